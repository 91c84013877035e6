"""Limit a process to one compiler per core; more would only slow each other down."""

from __future__ import annotations

import asyncio
import os
from weakref import WeakKeyDictionary

_semaphores: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def slot() -> asyncio.Semaphore:
    """Return the running event loop's semaphore: hold it while a compiler runs."""
    return _semaphores.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(os.cpu_count() or 1))
