"""Store the files of a build and report the progress of their upload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from . import leases, storage

# Progress of a file is reported at most this many times.
_STEPS = 50

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
    for file in files:
        storage.put(file.data, file.sha256, _ThrottledProgress(file.name, on_progress))


class _ThrottledProgress:
    def __init__(self, name: str, on_progress: OnProgress) -> None:
        self._name = name
        self._on_progress = on_progress
        self._last_step = -1

    def __call__(self, sent: int, total: int) -> None:
        step = _STEPS * sent // total if total else _STEPS
        if step != self._last_step:
            self._last_step = step
            self._on_progress(self._name, sent, total)
