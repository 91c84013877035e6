"""Find the deployments that a dead worker left behind, and go on with them or say how they ended."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from deployments.models import UNFINISHED, Deployment, DeploymentStatus

from . import transitions
from .transitions import MOST_ATTEMPTS

# A worker gives a sign of life every 5 seconds.
DEAD_AFTER = timedelta(seconds=20)
_END = "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s AND status = 'doing'"
GIVEN_UP = (
    "The worker died {times} times during this deployment, the last time while what was begun was being "
    "undone. Look at the host whether it goes live, and deploy again."
)


def recover() -> int:
    """Settle each unfinished deployment whose job is over or held by a dead worker; return their number."""
    rows = Deployment.objects.filter(status__in=UNFINISHED, job_id__isnull=False)
    found = dict(rows.values_list("job_id", "pk"))
    return sum(_settle(found[job_id], job_id) for job_id in found.keys() - _living(list(found)))


def _living(job_ids: list[int | None]) -> set[int]:
    breathing = Q(status="doing", worker__last_heartbeat__gte=timezone.now() - DEAD_AFTER)
    jobs = ProcrastinateJob.objects.filter(pk__in=job_ids).filter(Q(status="todo") | breathing)
    return set(jobs.values_list("pk", flat=True))


def _settle(pk: int, job_id: int | None) -> bool:
    with transaction.atomic():
        mine = Deployment.objects.filter(pk=pk, job_id=job_id, status__in=UNFINISHED)
        deployment: Deployment | None = mine.select_for_update().first()
        if deployment is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(_END, [job_id])
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
