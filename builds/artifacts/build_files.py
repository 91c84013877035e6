"""Store the files of a build and report the progress of their upload."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from agentforge.tenancy.connections import connection_lease

from . import leases, storage

# Progress of a file is reported in so many steps, and on a slow line each second.
_STEPS = 50
_QUIET_SECONDS = 1.0
# Files that are uploaded at the same time.
_UPLOADS = 4

OnProgress = Callable[[str, int, int], None]


class PackedFile(Protocol):
    """A file as the package provides it."""

    @property
    def name(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def sha256(self) -> str: ...


def store(files: Sequence[PackedFile], on_progress: OnProgress) -> None:
    """Store files durably and check each hash.

    `on_progress(name, sent, total)` reports uploads to a shared storage, in bytes. Raises BuildError; files
    stored before the error are reused by the next attempt.
    """
    leases.acquire(file.sha256 for file in files)
    storage.prepare(max((len(file.data) for file in files), default=0))
    report = _Progress(on_progress)

    def put(file: PackedFile) -> None:
        with connection_lease():
            storage.put(file.data, file.sha256, partial(report, file.name))

    with ThreadPoolExecutor(_UPLOADS, thread_name_prefix="upload") as pool:
        list(pool.map(put, files))  # raises what an upload raised


class _Progress:
    """Passes progress on from one thread at a time, and not more often than people can see."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._last: dict[str, tuple[int, float]] = {}

    def __call__(self, name: str, sent: int, total: int) -> None:
        step, now = _STEPS * sent // total if total else _STEPS, time.monotonic()
        with self._lock:
            last_step, last_time = self._last.get(name, (-1, 0.0))
            if step != last_step or now - last_time >= _QUIET_SECONDS:
                self._last[name] = step, now
                self._on_progress(name, sent, total)
