"""Read the log for viewers, through a few connections that all viewers of a process share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg

from . import log
from .connections import connect_async

CONNECTIONS = 4
READ_SECONDS = 10.0

# What a read raises while the database is away; it may succeed a moment later.
DATABASE_AWAY = (psycopg.OperationalError, OSError, TimeoutError)


class LogReader:
    """Runs queries on up to CONNECTIONS persistent connections; further ones wait."""

    def __init__(self) -> None:
        self._idle: list[psycopg.AsyncConnection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)
        # The smallest number of idle connections since the last call of `shrink`.
        self._unused = 0

    async def page(self, statement: str, name: str, after: int, budget: int) -> log.Page:
        """Return a page of a stream; raises StreamMissing or one of DATABASE_AWAY."""
        rows = await self.rows(statement, {"name": name, "after": after, "budget": budget})
        return log.Page.of(name, rows)

    async def rows(self, statement: str, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """Return a statement's rows; raises one of DATABASE_AWAY."""
        async with self._slots, asyncio.timeout(READ_SECONDS):
            while self._idle:
                connection = self._idle.pop()
                self._unused = min(self._unused, len(self._idle))
                try:
                    return await self._run(connection, statement, values)
                except psycopg.OperationalError:
                    # It broke while idle, for example when the database restarted.
                    continue
            return await self._run(await connect_async(), statement, values)

    async def shrink(self) -> None:
        """Close the connections, but one, that were not needed since the last call."""
        surplus, self._idle = self._idle[: max(self._unused - 1, 0)], self._idle[max(self._unused - 1, 0) :]
        self._unused = len(self._idle)
        for connection in surplus:
            await connection.close()

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().close()

    async def _run(
        self, connection: psycopg.AsyncConnection, statement: str, values: dict[str, Any]
    ) -> Sequence[Sequence[Any]]:
        try:
            cursor = await connection.execute(statement.encode(), values)
            rows = await cursor.fetchall()
        except BaseException:
            # Interrupted, perhaps by a cancelled viewer: the connection's state is unknown.
            await connection.close()
            raise
        self._idle.append(connection)
        return rows
