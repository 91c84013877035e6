"""Keep the book of a builder's jobs.

Every step is one transaction, guarded by the job of the queue that may take it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agentforge.worker_liveness import dead_jobs, end_job
from builds.queue import jobs

from .models import Entry, Job

MOST_ATTEMPTS = 2


class Superseded(Exception):
    """Say that another worker has the job now, or nobody needs it any more."""


def directory_of(job: Job) -> Path:
    """Return where the files of a job lie until the forge has them."""
    return Path(settings.VAR_DIR) / "builder" / str(job.key)


def enqueue(job: Job) -> None:
    """Give a job a place in the queue, in place of any earlier one."""
    job.job_id = jobs.defer(jobs.SERVE, job=job.pk)
    job.save(update_fields=["job_id"])


def claim(pk: int, job_id: int) -> Job | None:
    """Take a job for this place in the queue, None when it is somebody else's or closed.

    Returned `running`, it is to be compiled; `ended`, the forge is to be told.
    """
    with transaction.atomic():
        job = (
            Job.objects.select_for_update()
            .filter(pk=pk, job_id=job_id)
            .exclude(state=Job.State.CLOSED)
            .first()
        )
        if job is None or job.state == Job.State.ENDED:
            return job
        if job.cancel_asked:
            return end(pk, job_id, Job.Result.CANCELLED)
        if job.attempts >= MOST_ATTEMPTS:
            told = f"The builder died {job.attempts} times while it compiled."
            return end(pk, job_id, Job.Result.FAILED, error=told, fault="builder")
        if job.attempts:
            attempt = f"attempt {job.attempts + 1} of {MOST_ATTEMPTS}"
            told = f"The builder was restarted; it compiles again, {attempt}."
            append(pk, job_id, log_entry([{"kind": "line", "stream": "sys", "text": told, "mark": True}]))
            job.refresh_from_db()
        job.state = Job.State.RUNNING
        job.attempts += 1
        job.save(update_fields=["state", "attempts"])
    return job


def log_entry(records: list[dict[str, object]]) -> dict[str, Any]:
    return {"kind": "log", "records": records}


def append(pk: int, job_id: int | None, content: dict[str, Any]) -> Job:
    """Number a message for the forge and keep it.

    Raises Superseded when the job is another worker's by now.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=pk, job_id=job_id).first()
        if job is None or job.state in (Job.State.ENDED, Job.State.CLOSED):
            raise Superseded(str(pk))
        Entry.objects.create(job=job, sequence=job.next_sequence, content=content)
        job.next_sequence += 1
        job.save(update_fields=["next_sequence"])
    return job


def end(pk: int, job_id: int | None, result: Job.Result, **facts: Any) -> Job:
    """End a job: its last message says how."""
    with transaction.atomic():
        job = append(pk, job_id, {"kind": "end", "result": str(result), **facts})
        job.state, job.result, job.ended_at = Job.State.ENDED, result, timezone.now()
        job.save(update_fields=["state", "result", "ended_at"])
    return job


def step_back(pk: int, job_id: int) -> None:
    """Put a job that runs back into the queue, because its worker is stopped in order."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=pk, job_id=job_id, state=Job.State.RUNNING).first()
        if job is not None:
            job.state, job.attempts = Job.State.QUEUED, job.attempts - 1
            job.save(update_fields=["state", "attempts"])
            enqueue(job)


def close(pk: int) -> None:
    """Forget everything of a job but that it was there."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=pk)
        job.entries.all().delete()
        job.state, job.document = Job.State.CLOSED, ""
        job.save(update_fields=["state", "document"])
    shutil.rmtree(directory_of(job), ignore_errors=True)


def revive(candidates: Iterable[Job]) -> int:
    """Give a new place in the queue to those whose worker died or gave up; return their number."""
    open_jobs = [(job.pk, job.job_id) for job in candidates if job.state != Job.State.CLOSED]
    revived = 0
    for pk, job_id in dead_jobs(open_jobs):
        with transaction.atomic():
            job = Job.objects.select_for_update().filter(pk=pk, job_id=job_id).first()
            if job is not None and job.state != Job.State.CLOSED:
                end_job(job_id)
                enqueue(job)
                revived += 1
    return revived


def prune(before: datetime) -> int:
    """Close what no forge fetched since a time, and forget what was closed before; return their number."""
    forgotten, _ = Job.objects.filter(state=Job.State.CLOSED, created_at__lt=before).delete()
    waiting = Job.objects.filter(created_at__lt=before).values_list("pk", flat=True)
    for pk in list(waiting):
        close(pk)
    return forgotten + len(waiting)
