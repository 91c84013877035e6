"""Let identical work be done once at a time: who comes second waits for the first, then finds its files.

An advisory lock of PostgreSQL on the target's digest says that it is being made. It is held by a connection
of its own, so the death of its holder, however it comes, frees it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg

from agentforge.live.connections import parameters
from agentforge.retry import aretry_while_database_away

_TRY = "SELECT pg_try_advisory_lock(%s)"
_WAIT = "SELECT pg_advisory_lock(%s)"


def lock_key(input_digest: str) -> int:
    """Return the number of the lock that stands for a digest: its first 8 bytes, as PostgreSQL's bigint."""
    return int.from_bytes(bytes.fromhex(input_digest)[:8], "big", signed=True)


@asynccontextmanager
async def lock(input_digest: str, on_waiting: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Hold the work of a digest while the body runs.

    `on_waiting` is called when somebody else holds it. A waiting that is cancelled leaves the other alone.
    """
    connection = await aretry_while_database_away(lambda: _hold(lock_key(input_digest), on_waiting))
    try:
        yield
    finally:
        await connection.close()


async def _hold(number: int, on_waiting: Callable[[], Awaitable[None]]) -> psycopg.AsyncConnection:
    """Return a connection that holds the lock."""
    connection = await psycopg.AsyncConnection.connect(**parameters())
    try:
        found = await (await connection.execute(_TRY, [number])).fetchone()
        if not found or not found[0]:
            await on_waiting()
            await connection.execute(_WAIT, [number])
    except BaseException:
        await connection.close()
        raise
    return connection
