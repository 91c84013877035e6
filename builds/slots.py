"""Let a process run as many compilers at once as it has cores: more only slow one another down."""

from __future__ import annotations

import asyncio
import os
from weakref import WeakKeyDictionary

_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def compiler_slot() -> asyncio.Semaphore:
    """Return what is held while a compiler runs."""
    loop = asyncio.get_running_loop()
    return _slots.setdefault(loop, asyncio.Semaphore(os.cpu_count() or 1))
