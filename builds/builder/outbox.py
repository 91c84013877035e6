"""Collect the log of a compilation and store it as numbered messages for the forge."""

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
    """Accepts records from any thread; calls `on_stored` after each message that was stored."""

    def __init__(self, pk: int, job_id: int, on_stored: Callable[[], None]) -> None:
        self._pk, self._job_id, self._on_stored = pk, job_id, on_stored
        self._waiting: list[Record] = []
        self._lock = threading.Lock()
        self._storing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._wakeup = asyncio.Event()

    def write(self, record: Record) -> None:
        self.write_lines([record])

    def write_lines(self, records: Sequence[Record]) -> None:
        with self._lock:
            self._waiting.extend(records)
        self._loop.call_soon_threadsafe(self._wakeup.set)

    async def run(self) -> None:
        """Store records as they arrive, until cancelled.

        Raises Superseded when another worker owns the job or it has ended.
        """
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            await self.flush()
            # Collect more lines meanwhile: one message per line would keep both sides busy.
            await asyncio.sleep(FLUSH_SECONDS)

    async def flush(self) -> None:
        """Store everything written so far."""
        async with self._storing:
            while records := self._next():
                entry = job_store.log_entry(records)
                await asyncio.shield(in_thread(job_store.append, self._pk, self._job_id, entry))
                self._on_stored()

    def _next(self) -> list[Record]:
        size, count = 0, 0
        with self._lock:
            for record in self._waiting[:CHUNK_RECORDS]:
                size += len(json.dumps(record))
                if count and size > CHUNK_BYTES:
                    break
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch
