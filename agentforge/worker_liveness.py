"""Detect dead workers by their heartbeat in the queue's tables, and end the jobs that they left."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from .queue.shares import hand_on

# Seconds without a heartbeat after which a worker counts as dead; a living one sends it every 3 seconds.
DEAD_AFTER = 12

_ANY_ALIVE = """
SELECT EXISTS (
    SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)
)
"""
# Running jobs without a living worker, and jobs that are finished or gone.
_DEAD = """
SELECT job.id FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND job.id = ANY(%(jobs)s) AND (
    worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(dead_after)s)
    -- A database outage must not mark workers dead.
    AND pg_postmaster_start_time() < now() - make_interval(secs => %(dead_after)s)
)
UNION ALL
SELECT wanted FROM unnest(%(jobs)s) AS wanted
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs WHERE id = wanted AND status IN ('todo', 'doing')
)
"""
_LOCK = "SELECT coalesce(lock, '') FROM procrastinate_jobs WHERE id = %s AND status = 'doing' FOR UPDATE"
_END = """
UPDATE procrastinate_jobs SET status = CASE WHEN status = 'doing' THEN 'failed' ELSE status END
WHERE id = %s RETURNING abort_requested
"""


def any_worker_alive() -> bool:
    """Return whether any worker sent a recent heartbeat."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_ALIVE, [DEAD_AFTER])
        row = cursor.fetchone()
    return bool(row and row[0])


def dead_jobs(rows: Iterable[tuple[int, int | None]]) -> list[tuple[int, int]]:
    """Return those of the (primary key, job id) pairs whose job no living worker runs or will run."""
    keys = {job_id: pk for pk, job_id in rows if job_id is not None}
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DEAD, {"jobs": list(keys), "dead_after": DEAD_AFTER})
        return [(keys[job_id], job_id) for (job_id,) in cursor.fetchall()]


def end_job(job_id: int) -> bool:
    """Fail a dead worker's job in the queue, and hand its slot on.

    Returns whether its abort had been requested.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [job_id])
        if (row := cursor.fetchone()) and row[0]:
            hand_on(row[0])
        cursor.execute(_END, [job_id])
        row = cursor.fetchone()
    return bool(row and row[0])
