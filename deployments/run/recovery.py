"""Requeue the deployments of dead workers, or fail them after too many attempts."""

from __future__ import annotations

from django.db import transaction

from agentforge.worker_liveness import dead_jobs, end_job
from deployments.models import UNFINISHED, Deployment, DeploymentStatus

from . import transitions
from .transitions import MAX_ATTEMPTS

GIVEN_UP = (
    "The worker died {times} times during this deployment, the last time while cancelling it at the host. "
    "Check at the host whether it goes live, then deploy again."
)


def recover() -> int:
    """Requeue or fail each unfinished deployment that no live worker runs; return their number."""
    deployments = Deployment.objects.filter(status__in=UNFINISHED)
    return sum(_recover(pk, job_id) for pk, job_id in dead_jobs(deployments.values_list("pk", "job_id")))


def _recover(pk: int, job_id: int) -> bool:
    with transaction.atomic():
        rows = Deployment.objects.filter(pk=pk, job_id=job_id, status__in=UNFINISHED)
        deployment: Deployment | None = rows.select_for_update().first()
        if deployment is None:
            return False
        end_job(job_id)
        was = DeploymentStatus(deployment.status)
        if deployment.attempts > MAX_ATTEMPTS:
            fields = {"error": GIVEN_UP.format(times=deployment.attempts), "reason": "worker-died"}
            return transitions.finish(deployment, DeploymentStatus.FAILED, was=was, fields=fields)
        return transitions.requeue(deployment, why=_why(deployment), was=was)


def _why(deployment: Deployment) -> str:
    if deployment.cancel_asked:
        return "The worker died while it cancelled; cancelling again"
    if deployment.attempts == MAX_ATTEMPTS:
        return f"The worker died in attempt {MAX_ATTEMPTS} of {MAX_ATTEMPTS}; cancelling the deploy"
    return f"The worker died; resuming, attempt {deployment.attempts + 1} of {MAX_ATTEMPTS}"
