"""The places of waiting checks of drafts and keys in their queue."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from agentforge.queue.places import WaitingJob, waiting_jobs
from agentforge.worker_liveness import any_worker_alive

from .choices import RunStatus
from .keys.verification import CHECKS
from .models import ProcessRun


def waiting_checks() -> dict[int, WaitingJob]:
    """Return the checks that can't start at once, by job id."""
    return waiting_jobs(CHECKS, settings.CHECK_CONCURRENCY, any_worker_alive)


def words_by_job(runs: Iterable[ProcessRun]) -> dict[int, str]:
    """Return why each queued one of these runs can't start at once, by job id."""
    queued = {run.job_id for run in runs if run.status == RunStatus.QUEUED}
    return {pk: job.words for pk, job in waiting_checks().items() if pk in queued} if queued else {}
