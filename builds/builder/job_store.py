"""State transitions of a builder's jobs.

`queued` → `running` when a worker claims the job; `running` → `queued` when that worker shuts down in order;
`queued` or `running` → `ended` with a result, when the compilation finishes, fails or is cancelled; any state
→ `closed`, when the forge has everything or no longer wants the job, or when nobody fetched it for a day.
Every transition is one transaction that checks `job_id`, the queue's job that owns the row; a job of the
queue whose worker died is replaced by a new one, which resumes at the stored state.
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
    """Another worker owns the job now, or it has ended."""


def directory_of(job: Job) -> Path:
    """Return the directory of a job's files, kept until the forge has them."""
    return Path(settings.VAR_DIR) / "builder" / str(job.key)


def enqueue(job: Job) -> None:
    """Defer a job to the queue; it replaces any earlier job of the queue."""
    job.job_id = jobs.defer(jobs.SERVE, job=job.pk)
    job.save(update_fields=["job_id"])


def claim(pk: int, job_id: int) -> Job | None:
    """Claim a job for a job of the queue; return None if another one owns it or it is closed.

    A returned `running` job is to be compiled; an `ended` one is only to be delivered.
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
            message = f"The builder died {job.attempts} times during the compilation."
            return end(pk, job_id, Job.Result.FAILED, error=message, fault="builder")
        if job.attempts:
            attempt = f"attempt {job.attempts + 1} of {MOST_ATTEMPTS}"
            message = f"The builder was restarted; it compiles again, {attempt}."
            append(pk, job_id, log_entry([{"kind": "line", "stream": "sys", "text": message, "mark": True}]))
            job.refresh_from_db()
        job.state = Job.State.RUNNING
        job.attempts += 1
        job.save(update_fields=["state", "attempts"])
    return job


def log_entry(records: list[dict[str, object]]) -> dict[str, Any]:
    return {"kind": "log", "records": records}


def append(pk: int, job_id: int | None, content: dict[str, Any]) -> Job:
    """Store a message for the forge under the next sequence number.

    Raises Superseded when another worker owns the job or it has ended.
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
    """End a job and store its last message, the result."""
    with transaction.atomic():
        job = append(pk, job_id, {"kind": "end", "result": str(result), **facts})
        job.state, job.result, job.ended_at = Job.State.ENDED, result, timezone.now()
        job.save(update_fields=["state", "result", "ended_at"])
    return job


def requeue(pk: int, job_id: int) -> None:
    """Put a running job back into the queue, without counting the attempt; its worker is shutting down."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=pk, job_id=job_id, state=Job.State.RUNNING).first()
        if job is not None:
            job.state, job.attempts = Job.State.QUEUED, job.attempts - 1
            job.save(update_fields=["state", "attempts"])
            enqueue(job)


def close(pk: int) -> None:
    """Close a job and delete its messages, document and files."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=pk)
        job.entries.all().delete()
        job.state, job.document = Job.State.CLOSED, ""
        job.save(update_fields=["state", "document"])
    shutil.rmtree(directory_of(job), ignore_errors=True)


def requeue_abandoned(candidates: Iterable[Job]) -> int:
    """Enqueue again the jobs whose worker died or stopped delivering; return their number."""
    open_jobs = [(job.pk, job.job_id) for job in candidates if job.state != Job.State.CLOSED]
    requeued = 0
    for pk, job_id in dead_jobs(open_jobs):
        with transaction.atomic():
            job = Job.objects.select_for_update().filter(pk=pk, job_id=job_id).first()
            if job is not None and job.state != Job.State.CLOSED:
                end_job(job_id)
                enqueue(job)
                requeued += 1
    return requeued


def prune(before: datetime) -> int:
    """Of the jobs created before a time, delete the closed ones and close the rest; return their number."""
    old = Job.objects.filter(created_at__lt=before)
    deleted, _ = old.filter(state=Job.State.CLOSED).delete()
    unfetched = list(old.values_list("pk", flat=True))
    for pk in unfetched:
        close(pk)
    return deleted + len(unfetched)
