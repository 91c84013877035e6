"""Fail the runs of dead workers, so that no tab stays "checking" forever."""

from __future__ import annotations

from agentforge.worker_liveness import dead_jobs, end_job

from .models import ProcessRun
from .tab_checks import ACTIVE
from .validation import fail_run


def recover() -> int:
    """Fail each run whose job has ended or belongs to a dead worker; return their number."""
    runs = ProcessRun.objects.filter(status__in=ACTIVE)
    return sum(_settle(pk, job_id) for pk, job_id in dead_jobs(runs.values_list("pk", "job_id")))


def _settle(run_id: int, job_id: int) -> bool:
    # A worker that comes back finds that its job has ended.
    end_job(job_id)
    return fail_run(run_id)
