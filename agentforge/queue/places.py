"""The places of waiting jobs in a shared queue, in words for their owners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import ordinal
from django.db import connection

from agentforge.tenancy.rls import as_service

from .shares import Share

# Jobs further back have no place.
MOST_PLACES = 1000

_WAITING = """
SELECT job.id, EXISTS (
    SELECT FROM procrastinate_jobs AS other WHERE other.lock = job.lock AND (
        other.status = 'doing'
        OR other.status = 'todo' AND (-other.priority, other.id) < (-job.priority, job.id)
    )
) FROM procrastinate_jobs AS job
WHERE job.queue_name = %(queue)s AND job.status = 'todo'
ORDER BY job.priority DESC, job.id LIMIT %(most)s
"""
_RUNNING = "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %s AND status = 'doing'"


@dataclass(frozen=True)
class WaitingJob:
    """A job that can't start at once: its position from 1, or None if its owner's other jobs hold it back."""

    position: int | None
    is_served: bool
    share: Share

    @property
    def words(self) -> str:
        """Return it as text, such as "3rd in the queue."."""
        if self.position is None:
            if not self.is_served:
                return "In the queue; no worker runs at the moment."
            return f"Waiting for another one of yours: {self.share.most} at most run at the same time."
        place = "Next" if self.position == 1 else str(ordinal(self.position))
        return f"{place} in the queue{'' if self.is_served else '; no worker runs at the moment'}."


def waiting_jobs(share: Share, slots: int, any_worker_alive: Callable[[str], bool]) -> dict[int, WaitingJob]:
    """Return the queue's jobs that can't start at once, by job id; its workers have `slots` slots."""
    with as_service(), connection.cursor() as cursor:
        cursor.execute(_WAITING, {"queue": share.queue, "most": MOST_PLACES})
        rows = cursor.fetchall()
        if not rows:
            return {}
        cursor.execute(_RUNNING, [share.queue])
        running = cursor.fetchone()[0]
        is_served = any_worker_alive(share.queue)
    waiting: dict[int, WaitingJob] = {}
    position = 0
    for job_id, is_held_back in rows:
        position += not is_held_back
        if is_held_back:
            waiting[job_id] = WaitingJob(None, is_served, share)
        elif running + position > slots or not is_served:
            waiting[job_id] = WaitingJob(position, is_served, share)
    return waiting
