"""End the runs whose worker died, so that no tab is "checking" for ever."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from .models import ProcessRun
from .validation import ACTIVE, give_up

# A worker gives a sign of life every 5 seconds.
DEAD_AFTER = timedelta(seconds=15)


def recover() -> int:
    """Fail each run whose job is over or held by a dead worker; return their number."""
    runs = dict(
        ProcessRun.objects.filter(status__in=ACTIVE, job_id__isnull=False).values_list("job_id", "pk")
    )
    return sum(_settle(job_id, runs[job_id]) for job_id in runs.keys() - _living(list(runs)))


def _living(job_ids: list[int]) -> set[int]:
    breathing = Q(status="doing", worker__last_heartbeat__gte=timezone.now() - DEAD_AFTER)
    jobs = ProcrastinateJob.objects.filter(pk__in=job_ids).filter(Q(status="todo") | breathing)
    return set(jobs.values_list("pk", flat=True))


def _settle(job_id: int, run_id: int) -> bool:
    with connection.cursor() as cursor:
        # Procrastinate's models are read-only; a worker that comes back finds its job over.
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s AND status = 'doing'", [job_id]
        )
    return give_up(run_id)
