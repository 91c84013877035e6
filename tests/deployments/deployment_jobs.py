"""Run a real worker in this process until no job is left."""

from __future__ import annotations

import asyncio

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector


def run_jobs(*queues: str) -> None:
    """Run the jobs of these queues; jobs that wait for a lock stay."""
    asyncio.run(_run(list(queues)))


async def _run(queues: list[str]) -> None:
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                queues=queues,
                wait=False,
                install_signal_handlers=False,
                listen_notify=False,
                concurrency=4,
            )
