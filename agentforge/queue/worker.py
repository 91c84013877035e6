"""A worker that outlives its database's outages, and asks for nothing while it has nothing to do."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from procrastinate import exceptions, job_context, jobs, retry
from procrastinate.manager import get_channel_for_queues
from procrastinate.periodic import PeriodicDeferrer, PeriodicRegistry
from procrastinate.worker import Worker

from agentforge.retry import Backoff

from . import preparation
from .pulse import BEAT_SECONDS, Beat, Pulse, Registration, Registry, connected

logger = logging.getLogger(__name__)

_AWAY = (psycopg.OperationalError, OSError)
# As it arrives here: procrastinate wraps what its connector raises.
_TROUBLE = (*_AWAY, exceptions.ConnectorException)
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 3.0
# The tasks that settle the jobs of dead workers have this ending. They are started as soon as there are such
# jobs; what is still there after so many seconds is nobody's.
_RECOVERY, _RECOVERY_SECONDS = ".recover", 60.0


class QueueWorker(Worker):
    """Takes jobs of its queues until it is stopped; `failed` says that it ended by itself."""

    failed = False

    def __init__(self, **options: Any) -> None:
        # A notification, or the answer to a sign of life, says when there is something to fetch.
        super().__init__(**{**options, "fetch_job_polling_interval": 3600.0, "listen_notify": False})
        self._all_queues: Sequence[str] | None = None if self.queues is None else list(self.queues)
        # What it takes now: procrastinate's own attribute has another type.
        self._taken: Sequence[str] | None = self._all_queues
        self._preparing: frozenset[str] = frozenset()
        self._steps: list[tuple[frozenset[str], preparation.Prepare]] = []
        self._wakes = asyncio.Event()
        self._registration_is_new = True
        self._free_queues: set[str] = set()
        self._recovered: dict[int, float] = {}

    async def run(self) -> None:
        """Run until stopped; wait for the database to answer first."""
        backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            try:
                await self.app.job_manager.check_connection_async()
                break
            except _TROUBLE as error:
                _raise_unless_away(error)
                logger.warning("The worker waits for the database: %s", error)
                await asyncio.sleep(backoff.next())
        self._steps = await preparation.needed(self._all_queues)
        logger.info("Taking jobs of %s.", ", ".join(self._all_queues or ("every queue",)))
        self._prepare_for(frozenset[str]().union(*(names for names, _ in self._steps)))
        self.app.job_manager = Registry(self.app.connector, self._registration)
        await super().run()

    def _registration(self) -> Registration:
        return Registration(self.worker_name or "worker", self._taken, self._preparing)

    def _start_side_tasks(self) -> list[asyncio.Task[Any]]:
        tasks = [
            asyncio.create_task(self._keep_in_touch(), name="pulse"),
            asyncio.create_task(self._periodic_deferrer(), name="deferrer"),
            asyncio.create_task(self._poll_jobs_to_abort(), name="poll_jobs_to_abort"),
        ]
        if self._steps:
            tasks.append(asyncio.create_task(self._prepare(self._steps), name="preparation"))
        return tasks

    async def _monitor_side_tasks(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        pending = set(side_tasks)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if any(not task.cancelled() and task.exception() for task in done):
                self.failed = True
                await super()._monitor_side_tasks(list(done))

    async def _prepare(self, steps: list[tuple[frozenset[str], preparation.Prepare]]) -> None:
        for names, prepare in steps:
            try:
                await prepare()
            except Exception:
                logger.exception("This worker is not ready for %s; their jobs show why.", ", ".join(names))
        self._prepare_for(frozenset())
        await asyncio.Event().wait()

    def _prepare_for(self, queues: frozenset[str]) -> None:
        """Take all queues but these, from now on."""
        self._preparing = queues if self._all_queues is None else queues & set(self._all_queues)
        if not self._preparing:
            self._taken = self._all_queues
        elif self._all_queues is not None:
            self._taken = [name for name in self._all_queues if name not in queues]
        else:
            # Every queue but some can't be said: for a moment, it takes none.
            self._taken = []
        self.queues = None if self._taken is None else list(self._taken)
        self._registration_is_new = True
        self._wakes.set()
        self._new_job_event.set()

    async def _keep_in_touch(self) -> None:
        """Beat and listen, on one connection after the other."""
        backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            try:
                async with connected(list(get_channel_for_queues(self._all_queues))) as pulse:
                    self._registration_is_new = True
                    # Notifications that were sent before this moment were missed.
                    self._new_job_event.set()
                    while True:
                        await self._beat(pulse)
                        backoff.reset()
            except _TROUBLE as error:
                _raise_unless_away(error)
                logger.warning("The worker lost the database and connects again: %s", error or "no answer")
            await asyncio.sleep(backoff.next())

    async def _beat(self, pulse: Pulse) -> None:
        """Say that this worker lives, and wait for news until it has to say so again."""
        if self.worker_id is None:
            self.worker_id = await self.app.job_manager.register_worker()
        beat = await pulse.beat(self.worker_id, self._taken)
        if not beat.is_registered:
            # Another worker took it for dead, and its jobs are settled by now.
            self.worker_id = await self.app.job_manager.register_worker()
            self._registration_is_new = True
            self._new_job_event.set()
            logger.warning("This worker counted as dead; it goes on as worker %s.", self.worker_id)
        if self._registration_is_new:
            self._registration_is_new = False
            await pulse.register(self.worker_id, self._registration())
        await self._recover(pulse, beat)
        if beat.due_in is not None and beat.due_in <= 0:
            self._new_job_event.set()
        until = time.monotonic() + BEAT_SECONDS
        # Without a job to come there is nothing to fetch until the next beat says so.
        due_at = time.monotonic() + max(beat.due_in, 0.05) if beat.due_in and beat.due_in > 0 else math.inf
        while (left := until - time.monotonic()) > 0 and not self._registration_is_new:
            await pulse.wait(min(left, max(due_at - time.monotonic(), 0.0) or left), self._wakes, self._news)
            while self._free_queues:
                await pulse.announce(self._free_queues.pop())
            if time.monotonic() >= due_at:
                self._new_job_event.set()

    def _news(self, payload: str) -> None:
        notification: jobs.Notification = json.loads(payload)
        if notification["type"] == "job_inserted":
            self._new_job_event.set()
        elif notification["type"] == "abort_job_requested":
            self._handle_abort_jobs_requested([notification["job_id"]])

    async def _recover(self, pulse: Pulse, beat: Beat) -> None:
        """Let the jobs of dead workers be settled now, not when their tasks' schedule says so."""
        now = time.monotonic()
        self._recovered = {job: self._recovered.get(job, 0.0) for job in beat.orphans}
        if nobodys := [job for job, at in self._recovered.items() if at and now - at > _RECOVERY_SECONDS]:
            await pulse.end(nobodys)
        new = [job for job, at in self._recovered.items() if not at]
        if not new:
            return
        for entry in self._own_periodic_tasks().periodic_tasks.values():
            if entry.task.name.endswith(_RECOVERY):
                try:
                    await entry.task.configure().defer_async(timestamp=int(time.time()))
                except exceptions.AlreadyEnqueued:
                    continue
        self._recovered.update(dict.fromkeys(new, now))

    def _own_periodic_tasks(self) -> PeriodicRegistry:
        """Return the tasks of this worker's queues: their own workers defer them."""
        own = PeriodicRegistry()
        for key, entry in self.app.periodic_registry.periodic_tasks.items():
            if self._all_queues is None or entry.task.queue in self._all_queues:
                own.periodic_tasks[key] = entry
        return own

    async def _periodic_deferrer(self) -> None:
        registry = self._own_periodic_tasks()
        if not registry.periodic_tasks:
            await asyncio.Event().wait()
        backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            try:
                await PeriodicDeferrer(registry=registry, **self.app.periodic_defaults).worker()
            except _TROUBLE as error:
                _raise_unless_away(error)
                logger.warning("Periodic tasks wait for the database: %s", error)
                await asyncio.sleep(backoff.next())

    async def _fetch_and_process_jobs(self) -> None:
        try:
            await super()._fetch_and_process_jobs()
        except _TROUBLE as error:
            if isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                # Another worker took this one for dead: the next beat, which comes now, registers it again.
                self._registration_is_new = True
                self._wakes.set()
                return
            _raise_unless_away(error)
            logger.warning("No job could be fetched: %s", error)

    async def _persist_job_status(
        self,
        job: jobs.Job,
        status: jobs.Status,
        retry_decision: retry.RetryDecision | None,
        context: job_context.JobContext,
        job_result: job_context.JobResult | None,
    ) -> None:
        """Record a job's end, however long the database is away; while stopping, try once."""
        backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            try:
                await super()._persist_job_status(job, status, retry_decision, context, job_result)
                break
            except _TROUBLE as error:
                _raise_unless_away(error)
                logger.warning("The end of job %s waits for the database: %s", job.id, error)
                if self._stop_event.is_set():
                    raise
                await asyncio.sleep(backoff.next())
        if job.lock:
            # No notification tells others that the lock is free.
            self._free_queues.add(job.queue)
            self._wakes.set()

    async def _shutdown(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        try:
            await super()._shutdown(side_tasks)
        except _TROUBLE as error:
            _raise_unless_away(error)
            logger.warning("This worker ends without the database, and counts as dead in a while: %s", error)


def _raise_unless_away(error: Exception) -> None:
    """Raise an error, unless it says that the database is away; procrastinate wraps its cause."""
    if not isinstance(error, _AWAY) and not isinstance(error.__cause__, _AWAY):
        raise error
