"""Enqueue and cancel the jobs of deployments, in the current Django transaction."""

from __future__ import annotations

from uuid import UUID

from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager

from agentforge.queue import shares
from agentforge.queue.shares import Share
from agentforge.tenancy.rls import as_service

DEPLOY, QUEUE = "deployments.deploy", "deployments"
DEPLOYMENTS = Share("deployments", QUEUE, "MOST_RUNNING_DEPLOYMENTS")


def _manager() -> JobManager:
    return JobManager(DjangoConnector())


def defer(deployment_id: int, site_id: int, owner_id: UUID) -> int:
    """Enqueue a deployment and return its job's id; deployments of one site run one at a time."""
    return shares.defer(DEPLOYMENTS, DEPLOY, owner_id, serial=site_id, deployment_id=deployment_id)


def cancel(job_id: int) -> bool:
    """Cancel a queued job, or ask its worker to abort it; False when it is over."""
    with as_service():
        return _manager().cancel_job_by_id(job_id, abort=True)
