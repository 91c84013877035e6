"""Enqueue and cancel the jobs of deployments, in the current Django transaction."""

from __future__ import annotations

from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from agentforge.tenancy.rls import as_service

DEPLOY, QUEUE = "deployments.deploy", "deployments"


def _manager() -> JobManager:
    return JobManager(DjangoConnector())


def defer(deployment_id: int, site_id: int) -> int:
    """Enqueue a deployment and return its job's id; deployments of one site run one at a time."""
    with as_service():
        task = configure_task(
            name=DEPLOY, job_manager=_manager(), queue=QUEUE, lock=f"deployments-site-{site_id}"
        )
        return task.defer(deployment_id=deployment_id)


def cancel(job_id: int) -> bool:
    """Cancel a queued job, or ask its worker to abort it; False when it is over."""
    with as_service():
        return _manager().cancel_job_by_id(job_id, abort=True)
