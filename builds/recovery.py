"""Find what a dead worker left behind, and start it again once or say how it ended."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from .compiler import workspace
from .execution import transitions
from .execution.transitions import MOST_ATTEMPTS
from .models import Build, BuildStatus, BuildVerification, ChatMessage, MessageStatus
from .queue.liveness import DEAD_AFTER
from .remote import records
from .trial import chat
from .verification import lifecycle

# Jobs that no living worker runs although they are said to run, and jobs that are over or gone.
_DEAD = """
SELECT job.id FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND job.id = ANY(%(jobs)s) AND (
    worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(dead_after)s)
    -- No worker could give a sign of life while the database was away.
    AND pg_postmaster_start_time() < now() - make_interval(secs => %(dead_after)s)
)
UNION ALL
SELECT wanted FROM unnest(%(jobs)s) AS wanted
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs WHERE id = wanted AND status IN ('todo', 'doing')
)
"""
_END = """
UPDATE procrastinate_jobs SET status = CASE WHEN status = 'doing' THEN 'failed' ELSE status END
WHERE id = %s RETURNING abort_requested
"""


def recover() -> int:
    """Settle the builds, answers and verifications whose worker died, and return their number.

    What dead workers left of remote jobs and on the disk goes as well.
    """
    workspace.forget_leftovers()
    building = Build.objects.filter(status__in=(BuildStatus.QUEUED, BuildStatus.RUNNING))
    answering = ChatMessage.objects.filter(status__in=(MessageStatus.QUEUED, MessageStatus.STREAMING))
    settled = 0
    for pk, job_id in of_dead_jobs(building.values_list("pk", "job_id")):
        settled += _settle_build(pk, job_id)
    for pk, job_id in of_dead_jobs(answering.values_list("pk", "job_id")):
        settled += _settle_answer(pk, job_id)
    verifying = BuildVerification.objects.filter(status__in=("queued", "running"))
    for pk, job_id in of_dead_jobs(verifying.values_list("pk", "job_id")):
        end_job(job_id)
        settled += lifecycle.finish(pk, job_id, "failed", ["The worker died. Ask again."])
    records.forget_leftovers()
    return settled


def of_dead_jobs(rows: Iterable[tuple[int, int | None]]) -> list[tuple[int, int]]:
    """Return those of the (key, job) pairs whose job no living worker has or will have."""
    found = {job_id: pk for pk, job_id in rows if job_id is not None}
    if not found:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DEAD, {"jobs": list(found), "dead_after": DEAD_AFTER})
        return [(found[job_id], job_id) for (job_id,) in cursor.fetchall()]


def _settle_build(pk: int, job_id: int) -> bool:
    with transaction.atomic():
        build: Build | None = Build.objects.select_for_update().filter(pk=pk, job_id=job_id).first()
        if build is None or build.finished_at is not None:
            return False
        aborted = end_job(job_id)
        status = BuildStatus(build.status)
        if aborted:
            return transitions.finish(pk, job_id, BuildStatus.CANCELLED, was=status)
        if build.attempts >= MOST_ATTEMPTS:
            told = f"The worker died {build.attempts} times while it ran this build. Nothing was stored."
            return transitions.finish(pk, job_id, BuildStatus.FAILED, was=status, error=told)
        why = f"The worker died; starting again, attempt {build.attempts + 1} of {MOST_ATTEMPTS}"
        return transitions.requeue(pk, job_id, why=why, was=status)


def _settle_answer(pk: int, job_id: int) -> bool:
    with transaction.atomic():
        message: ChatMessage | None = ChatMessage.objects.select_for_update().filter(pk=pk).first()
        if message is None:
            return False
        told = chat.STOPPED if end_job(job_id) else "The worker died while it answered. Ask again."
        status = MessageStatus(message.status)
        return chat.end(pk, job_id, MessageStatus.FAILED, error=told, was=status)


def end_job(job_id: int) -> bool:
    """End a dead worker's job in the queue; tell whether its end had been asked for."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [job_id])
        row = cursor.fetchone()
    return bool(row and row[0])
