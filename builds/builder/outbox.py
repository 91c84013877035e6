"""Gather what a compilation logs, and keep it in numbered pieces for the forge."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence

from agentforge.tenancy.threads import in_thread
from builds.logs.build_log import Record
from builds.remote.messages import CHUNK_RECORDS

from . import job_store

FLUSH_SECONDS = 0.05
CHUNK_BYTES = 128 * 1024


class Outbox:
    """Take records from any thread; `stored` is called whenever some of them are durable."""

    def __init__(self, pk: int, job_id: int, stored: Callable[[], None]) -> None:
        self._pk, self._job_id, self._stored = pk, job_id, stored
        self._waiting: list[Record] = []
        self._lock = threading.Lock()
        self._storing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def write(self, record: Record) -> None:
        """Take one record."""
        self.write_lines([record])

    def write_lines(self, records: Sequence[Record]) -> None:
        """Take several records."""
        with self._lock:
            self._waiting.extend(records)
        self._loop.call_soon_threadsafe(self._news.set)

    async def run(self) -> None:
        """Store what comes, until cancelled.

        Raises Superseded when the job is another worker's by now.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            await self.flush()
            # More lines gather meanwhile: one message for each would keep both sides busy.
            await asyncio.sleep(FLUSH_SECONDS)

    async def flush(self) -> None:
        """Store everything that was written so far."""
        async with self._storing:
            while records := self._next():
                entry = job_store.log_entry(records)
                await asyncio.shield(in_thread(job_store.append, self._pk, self._job_id, entry))
                self._stored()

    def _next(self) -> list[Record]:
        size, count = 0, 0
        with self._lock:
            for record in self._waiting[:CHUNK_RECORDS]:
                size += len(json.dumps(record))
                if count and size > CHUNK_BYTES:
                    break
                count += 1
            taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken
