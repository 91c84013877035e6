"""A worker's connection to the queue: its sign of life, and the notifications that wake it.

One statement every few seconds says that the worker lives, and asks what no notification tells: jobs that
have become due, and jobs of dead workers.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections
from procrastinate.contrib.django.utils import connector_params
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
_REGISTER = """
WITH old AS (
    DELETE FROM queue_worker WHERE NOT EXISTS (
        SELECT FROM procrastinate_workers WHERE procrastinate_workers.id = worker_id
    ) AND worker_id <> %(worker)s
)
INSERT INTO queue_worker (worker_id, name, host, queues, preparing)
VALUES (%(worker)s, %(name)s, %(host)s, %(queues)s::varchar[], %(preparing)s::varchar[])
ON CONFLICT (worker_id) DO UPDATE SET queues = excluded.queues, preparing = excluded.preparing
"""


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

    async def register(
        self, worker: int, name: str, queues: Sequence[str] | None, preparing: Sequence[str]
    ) -> None:
        """Say what a worker takes, and what it prepares to take."""
        values = {
            "worker": worker,
            "name": name[:80],
            "host": socket.gethostname()[:255],
            "queues": None if queues is None else list(queues),
            "preparing": list(preparing),
        }
        async with asyncio.timeout(_PATIENCE):
            await self._connection.execute(_REGISTER, values)

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
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield Pulse(connection)
