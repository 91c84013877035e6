"""Build identical inputs once: later builds wait for the first one and then reuse its files.

The lock is a PostgreSQL advisory lock on the target's digest. A separate connection holds it, so it is
released however its holder dies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg

from agentforge.live.connections import connect_async
from agentforge.retry import aretry_while_database_away

_TRY = "SELECT pg_try_advisory_lock(%s)"
_WAIT = "SELECT pg_advisory_lock(%s)"


def lock_key(input_digest: str) -> int:
    """Return a digest's lock key: its first 8 bytes as a signed integer (PostgreSQL's bigint)."""
    return int.from_bytes(bytes.fromhex(input_digest)[:8], "big", signed=True)


@asynccontextmanager
async def lock(input_digest: str, on_waiting: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Hold the lock of a digest during the block; `on_waiting` is called if another build holds it."""
    connection = await aretry_while_database_away(lambda: _hold(lock_key(input_digest), on_waiting))
    try:
        yield
    finally:
        await connection.close()


async def _hold(key: int, on_waiting: Callable[[], Awaitable[None]]) -> psycopg.AsyncConnection:
    connection = await connect_async()
    try:
        row = await (await connection.execute(_TRY, [key])).fetchone()
        if not row or not row[0]:
            await on_waiting()
            await connection.execute(_WAIT, [key])
    except BaseException:
        await connection.close()
        raise
    return connection
