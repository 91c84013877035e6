"""A worker's connection to the queue: its sign of life, and the notifications that wake it.

One statement every few seconds says that the worker lives, and asks what no notification tells: jobs that
have become due, and jobs of dead workers.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections
from procrastinate.connector import BaseConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.manager import JobManager
from psycopg import sql

from agentforge.tenancy.search_path import use_schema_async

# Seconds between two signs of life, and without one after which a worker counts as dead.
BEAT_SECONDS = 5.0
DEAD_AFTER = 12
# A statement that takes longer went to a server that is gone without a word.
_PATIENCE = 10.0

_BEAT = """
WITH beat AS (
    UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(worker)s RETURNING id
)
SELECT EXISTS (SELECT FROM beat),
    (
        SELECT extract(epoch FROM min(coalesce(scheduled_at, now())) - now())::float
        FROM procrastinate_jobs WHERE status = 'todo'
        AND (%(queues)s::varchar[] IS NULL OR queue_name = ANY(%(queues)s::varchar[]))
    ),
    ARRAY(
        SELECT job.id FROM procrastinate_jobs AS job
        LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
        WHERE job.status = 'doing' AND job.worker_id IS DISTINCT FROM %(worker)s AND (
            worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(dead_after)s)
            -- A database outage must not mark workers dead.
            AND pg_postmaster_start_time() < now() - make_interval(secs => %(dead_after)s)
        )
    )
"""
# One statement stores a new worker (whose id is null) and what it takes: between two, it would seem to be
# one of an earlier version, which takes everything.
_REGISTER = """
WITH worker AS (
    SELECT coalesce(
        %(worker)s::bigint, (SELECT worker_id FROM procrastinate_register_worker_v1())
    ) AS id
), old AS (
    DELETE FROM queue_worker WHERE worker_id IS DISTINCT FROM %(worker)s::bigint AND NOT EXISTS (
        SELECT FROM procrastinate_workers WHERE procrastinate_workers.id = worker_id
    )
)
INSERT INTO queue_worker (worker_id, name, host, queues, preparing)
SELECT worker.id, %(name)s, %(host)s, %(queues)s::varchar[], %(preparing)s::varchar[] FROM worker
ON CONFLICT (worker_id) DO UPDATE SET queues = excluded.queues, preparing = excluded.preparing
RETURNING worker_id
"""


@dataclass(frozen=True)
class Registration:
    """What a worker says of itself: what it takes (None: every queue), and what it prepares to take."""

    name: str
    queues: Sequence[str] | None
    preparing: Collection[str]

    def as_values(self, worker: int | None) -> dict[str, Any]:
        """Return the values of the statement that stores it; None for a new worker."""
        return {
            "worker": worker,
            "name": self.name[:80],
            "host": socket.gethostname()[:255],
            "queues": None if self.queues is None else list(self.queues),
            "preparing": sorted(self.preparing),
        }


class Registry(JobManager):
    """A job manager that stores what a worker takes together with the worker."""

    def __init__(self, connector: BaseConnector, registration: Callable[[], Registration]) -> None:
        super().__init__(connector)
        self._registration = registration

    async def register_worker(self) -> int:
        """Store a new worker, and return its id."""
        values = self._registration().as_values(None)
        row = await self.connector.execute_query_one_async(_REGISTER, **values)
        return int(row["worker_id"])


@dataclass(frozen=True)
class Beat:
    """What a beat's answer says: `due_in` is in seconds, None without a waiting job."""

    is_registered: bool
    due_in: float | None
    orphans: tuple[int, ...]


class Pulse:
    """A connection to the queue's database, until it breaks: psycopg.OperationalError, TimeoutError."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def beat(self, worker: int, queues: Sequence[str] | None) -> Beat:
        """Say that a worker lives, and return what waits for it; no queues means all."""
        names = None if queues is None else list(queues)
        values = {"worker": worker, "queues": names, "dead_after": DEAD_AFTER}
        async with asyncio.timeout(_PATIENCE):
            cursor = await self._connection.execute(_BEAT, values)
            row = await cursor.fetchone()
        is_registered, due_in, orphans = row or (False, None, ())
        return Beat(is_registered, due_in, tuple(orphans))

    async def register(self, worker: int, registration: Registration) -> None:
        """Store anew what a worker takes, and remove what is known of workers that are gone."""
        async with asyncio.timeout(_PATIENCE):
            await self._connection.execute(_REGISTER, registration.as_values(worker))

    async def end(self, orphans: Sequence[int]) -> None:
        """Fail jobs of dead workers that no recovery has settled: no row depends on them."""
        statement = "UPDATE procrastinate_jobs SET status = 'failed' WHERE id = ANY(%s) AND status = 'doing'"
        await self._connection.execute(statement, [list(orphans)])

    async def announce(self, queue: str) -> None:
        """Wake the workers of a queue: a job of it may have become free."""
        news = json.dumps({"type": "job_inserted", "job_id": 0})
        for channel in (f"procrastinate_queue_v1#{queue}", "procrastinate_any_queue_v1"):
            await self._connection.execute("SELECT pg_notify(%s, %s)", [channel, news])

    async def wait(self, seconds: float, wakes: asyncio.Event, on_news: Callable[[str], None]) -> None:
        """Hand on notifications for a time, or until `wakes` is set.

        psycopg's own wait looks ten times a second whether it was interrupted.
        """
        # What came with an answer is not on the socket any more.
        await self._hand_on(on_news)
        loop, socket_number = asyncio.get_running_loop(), self._connection.fileno()
        loop.add_reader(socket_number, wakes.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wakes.wait()
        finally:
            loop.remove_reader(socket_number)
        wakes.clear()
        await self._hand_on(on_news)

    async def _hand_on(self, on_news: Callable[[str], None]) -> None:
        async for notification in self._connection.notifies(timeout=0):
            on_news(notification.payload)


@asynccontextmanager
async def connected(channels: Sequence[str]) -> AsyncIterator[Pulse]:
    """Connect to Django's current database and listen on these channels; raises psycopg.OperationalError."""
    async with asyncio.timeout(_PATIENCE):
        connection = await psycopg.AsyncConnection.connect(**connector_params(), autocommit=True)
    async with connection:
        await use_schema_async(connection, str(connections["default"].settings_dict["SCHEMA"]))
        # What it writes is written again after a crash, so that no beat has to wait for the disk.
        await connection.execute("SET synchronous_commit = off")
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield Pulse(connection)
