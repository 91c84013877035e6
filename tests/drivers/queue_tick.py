"""Let the queue's clock strike: what is due at a time is deferred, and a worker runs it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.periodic import PeriodicDeferrer


def strike(name: str, at: datetime, *more: str) -> None:
    """Defer one periodic task if its schedule says so, and run the jobs of its queue and of `more`."""
    asyncio.run(_strike(name, at.timestamp(), more))


async def _strike(name: str, at: float, more: tuple[str, ...]) -> None:
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            clock = PeriodicDeferrer(registry=app.periodic_registry, **app.periodic_defaults)
            due = [entry for entry in clock.get_previous_tasks(at) if entry[0].task.name == name]
            assert due, f"{name} is not due at {at}"
            await clock.defer_jobs(due)
            for queue in (due[0][0].task.queue, *more):
                await app.run_worker_async(
                    queues=[queue], wait=False, install_signal_handlers=False, listen_notify=False
                )
