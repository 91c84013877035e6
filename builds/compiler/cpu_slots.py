"""Let a process run as many compilers at once as it has cores: more only slow one another down."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

_free: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Slot:
    """The right to run a compiler; it may be given back while one waits for something else."""

    def __init__(self) -> None:
        self._free = _free.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1))
        self._held = False

    async def take(self) -> None:
        if not self._held:
            await self._free.acquire()
            self._held = True

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._free.release()


@asynccontextmanager
async def slot(*, taken_at_once: bool = True) -> AsyncIterator[Slot]:
    """Hold a slot while the body runs, once one is free; or let the body take it."""
    taken = Slot()
    if taken_at_once:
        await taken.take()
    try:
        yield taken
    finally:
        taken.give_back()
