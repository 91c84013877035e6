"""Run a real worker in this process until no job is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from agentforge.accounts.models import User
from builds.models import Build
from deployments import services
from deployments.models import Deployment, Site


def deploy(
    site: Site, build: Build, by: User, work: Callable[[], None], *, draft: bool = False
) -> Deployment:
    deployment = services.enqueue(site, build, by, draft=draft)
    work()
    deployment.refresh_from_db()
    site.refresh_from_db()
    return deployment


def fresh(deployment: Deployment) -> Deployment:
    rows = Deployment.objects.select_related("site__agent", "revision", "owner")
    current: Deployment = rows.get(pk=deployment.pk)
    return current


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
