"""Find the deployments that a dead worker left behind, and go on with them or say how they ended."""

from __future__ import annotations

from django.db import transaction

from agentforge.worker_liveness import dead_jobs, end_job
from deployments.models import UNFINISHED, Deployment, DeploymentStatus

from . import transitions
from .transitions import MOST_ATTEMPTS

GIVEN_UP = (
    "The worker died {times} times during this deployment, the last time while what was begun was being "
    "undone. Look at the host whether it goes live, and deploy again."
)


def recover() -> int:
    """Settle each unfinished deployment whose job is over or held by a dead worker; return their number."""
    deployments = Deployment.objects.filter(status__in=UNFINISHED)
    return sum(_settle(pk, job_id) for pk, job_id in dead_jobs(deployments.values_list("pk", "job_id")))


def _settle(pk: int, job_id: int) -> bool:
    with transaction.atomic():
        mine = Deployment.objects.filter(pk=pk, job_id=job_id, status__in=UNFINISHED)
        deployment: Deployment | None = mine.select_for_update().first()
        if deployment is None:
            return False
        end_job(job_id)
        was = DeploymentStatus(deployment.status)
        if deployment.attempts > MOST_ATTEMPTS:
            facts = {"error": GIVEN_UP.format(times=deployment.attempts), "reason": "worker-died"}
            return transitions.finish(deployment, DeploymentStatus.FAILED, was=was, facts=facts)
        return transitions.requeue(deployment, why=_why(deployment), was=was)


def _why(deployment: Deployment) -> str:
    if deployment.cancel_asked:
        return "The worker died while it cancelled; going on with that"
    if deployment.attempts == MOST_ATTEMPTS:
        return f"The worker died in attempt {MOST_ATTEMPTS} of {MOST_ATTEMPTS}; what was begun is undone now"
    return f"The worker died; going on where it stood, attempt {deployment.attempts + 1} of {MOST_ATTEMPTS}"
