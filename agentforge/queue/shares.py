"""Share a queue's slots between owners: fair turns, and at most so many running jobs of one owner.

A job's priority is its turn, as in start-time fair queueing (Goyal, Vin and Cheng, 1996): one more than the
later of its owner's newest turn and the turn that the workers have reached. Each owner has as many slots as
jobs may run at once. A slot is one of procrastinate's locks: of the jobs with the same lock, workers run one
at a time. So a job that exceeds its owner's share occupies no worker while it waits.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from procrastinate import JobContext
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from agentforge.tenancy.rls import as_service
from agentforge.tenancy.threads import in_thread

logger = logging.getLogger(__name__)

# Of a slot whose jobs must not run at the same time.
_FIXED = "serial-"

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_TURNS = """
SELECT coalesce(max(-priority) FILTER (WHERE status = 'doing'), min(-priority) - 1, 0),
    coalesce(max(-priority) FILTER (WHERE starts_with(lock, %(prefix)s)), 0)
FROM procrastinate_jobs WHERE queue_name = %(queue)s AND status IN ('todo', 'doing')
"""
_SHORTEST_SLOT = """
SELECT slot FROM generate_series(1, %(slots)s) AS slot ORDER BY (
    SELECT count(*) FROM procrastinate_jobs
    WHERE lock = %(prefix)s || slot AND status IN ('todo', 'doing')
), slot LIMIT 1
"""
_OPEN_JOBS = """
SELECT id, lock, status = 'doing' FROM procrastinate_jobs
WHERE starts_with(lock, %s) AND status IN ('todo', 'doing') ORDER BY priority DESC, id
"""
_MOVE = "UPDATE procrastinate_jobs SET lock = %s WHERE id = %s AND status = 'todo'"


@dataclass(frozen=True)
class Share:
    """What one owner may occupy of a queue with a kind of jobs; `limit` names the setting (0: no limit)."""

    kind: str
    queue: str
    limit: str

    @property
    def most(self) -> int:
        value: int = getattr(settings, self.limit)
        return value


def defer(
    share: Share,
    task: str,
    owner_id: UUID,
    *,
    turn: int | None = None,
    serial: int | None = None,
    queueing_lock: str | None = None,
    **arguments: int | str,
) -> int:
    """Enqueue a task in the current transaction, and return its job's id.

    `turn` is given where the queue's turns are counted elsewhere. Jobs with the same number `serial` run one
    at a time. Raises procrastinate's AlreadyEnqueued if a waiting job has the same `queueing_lock`.
    """
    with transaction.atomic(), as_service():
        next_turn, lock = _place(share, owner_id, serial)
        # Django's connector, even if a worker has replaced the app's: the job is part of this transaction.
        manager = JobManager(DjangoConnector())
        return configure_task(
            name=task,
            job_manager=manager,
            queue=share.queue,
            priority=-(turn or next_turn),
            lock=lock,
            queueing_lock=queueing_lock,
        ).defer(**arguments)


@asynccontextmanager
async def held_slot(context: JobContext) -> AsyncIterator[None]:
    """Run a job in its slot, and hand the slot on to its owner's next waiting job."""
    try:
        yield
    finally:
        if lock := context.job.lock:
            try:
                await in_thread(hand_on, lock)
            except DatabaseError:
                logger.warning("Slot %s was not handed on; its own jobs go on.", lock)


def hand_on(lock: str) -> None:
    """Give a slot that becomes free to the owner's next waiting job, unless its jobs have to stay in it."""
    owner, _, slot = lock.rpartition(" ")
    if slot.startswith(_FIXED):
        return
    prefix = f"{owner} "
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [prefix])
        cursor.execute(_OPEN_JOBS, [prefix])
        for job_id, new_lock in _moves(cursor.fetchall(), lock):
            cursor.execute(_MOVE, [new_lock, job_id])


def _moves(jobs: Sequence[tuple[int, str, bool]], ending: str) -> Iterator[tuple[int, str]]:
    """Deal an owner's waiting jobs out again, the next one to the slot that becomes free.

    A slot without a running job is about to start its first one, which stays its first: workers that looked
    at different times must not find two jobs for one slot.
    """
    running = {slot for _, slot, is_running in jobs if is_running}
    first: dict[str, int] = {}
    waiting: list[tuple[int, int, str]] = []
    for turn, (job_id, slot, is_running) in enumerate(jobs):
        if slot not in running and slot not in first:
            first[slot] = turn
        elif not is_running:
            waiting.append((turn, job_id, slot))
    slots = [ending, *sorted((running | set(first)) - {ending})]
    for number, (turn, job_id, slot) in enumerate(waiting):
        dealt = slots[number % len(slots)]
        new = ending if turn < first.get(dealt, 0) else dealt
        if new != slot:
            yield job_id, new


def _place(share: Share, owner_id: UUID, serial: int | None) -> tuple[int, str]:
    """Return the turn and slot of an owner's next job; lock this share until the transaction ends."""
    prefix = f"{share.kind} of {owner_id} "
    values: dict[str, str | int] = {"prefix": prefix, "queue": share.queue, "slots": share.most}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [prefix])
        cursor.execute(_TURNS, values)
        reached, own = cursor.fetchone()
        turn = max(reached, own) + 1
        if serial is not None:
            return turn, f"{prefix}{_FIXED}{serial % share.most if share.most > 0 else serial}"
        if share.most <= 0:
            # A slot of its own.
            return turn, f"{prefix}{turn}"
        cursor.execute(_SHORTEST_SLOT, values)
        return turn, f"{prefix}{cursor.fetchone()[0]}"
