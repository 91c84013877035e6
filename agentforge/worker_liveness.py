"""Detect dead workers by their heartbeat in the queue's tables, and end the jobs that they left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from .queue.pulse import DEAD_AFTER
from .queue.shares import hand_on

# What stands still if no worker takes a queue.
WORK = {
    "builds": "builds",
    "trials": "answers",
    "deployments": "deployments",
    "process": "checks of drafts and keys",
    "builder": "jobs of the forge",
    "upkeep": "recovery and upkeep",
}
_OF_A_FORGE = ("builds", "trials", "deployments", "process", "upkeep")
_OF_A_BUILDER = ("builder", "upkeep")

# An earlier version has no registration, and takes everything.
_LIVING = """
SELECT taken.worker_id IS NULL OR taken.queues IS NULL,
    coalesce(taken.queues, '{}'), coalesce(taken.preparing, '{}')
FROM procrastinate_workers AS worker LEFT JOIN queue_worker AS taken ON taken.worker_id = worker.id
WHERE worker.last_heartbeat > now() - make_interval(secs => %s)
"""
_OPEN_JOBS = """
SELECT queue_name, count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing')
FROM procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY queue_name
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


@dataclass(frozen=True)
class QueueService:
    """How a queue is served: living workers that take it or prepare to, waiting and running jobs."""

    queue: str
    workers: int
    preparing: int
    waiting: int
    running: int

    @property
    def problem(self) -> str:
        """Return why its jobs stand still, in words; empty if they don't."""
        if self.workers:
            return ""
        if self.preparing:
            return f"A worker is getting ready for {WORK[self.queue]}, {self.waiting} waiting."
        return f"No living worker takes {WORK[self.queue]}, {self.waiting} waiting."

    @property
    def is_down(self) -> bool:
        return not self.workers and not self.preparing


@dataclass(frozen=True)
class LivingWorker:
    """A worker with a recent heartbeat: the queues that it takes, and those that it prepares to take."""

    takes_all: bool
    queues: list[str]
    preparing: list[str]

    def takes(self, queue: str | None) -> bool:
        return queue is None or self.takes_all or queue in self.queues


def living_workers() -> list[LivingWorker]:
    """Return the workers that sent a recent heartbeat."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVING, [DEAD_AFTER])
        return [LivingWorker(*row) for row in cursor.fetchall()]


def any_worker_alive(queue: str | None = None) -> bool:
    """Return whether a worker that takes a queue, or any, sent a recent heartbeat."""
    return any(worker.takes(queue) for worker in living_workers())


def any_worker_preparing(queue: str) -> bool:
    """Return whether a living worker will take a queue once it is ready for it."""
    return any(queue in worker.preparing for worker in living_workers())


def services() -> list[QueueService]:
    """Return how each queue of this forge, or builder, is served."""
    workers = living_workers()
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_JOBS)
        jobs = {queue: (waiting, running) for queue, waiting, running in cursor.fetchall()}
    return [
        QueueService(
            queue,
            sum(worker.takes(queue) for worker in workers),
            sum(queue in worker.preparing for worker in workers),
            *jobs.get(queue, (0, 0)),
        )
        for queue in (_OF_A_BUILDER if settings.AGENTFORGE_ROLE == "builder" else _OF_A_FORGE)
    ]


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
