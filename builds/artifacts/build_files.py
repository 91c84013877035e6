"""Store the files of a build, and tell in its log how far an upload is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from . import leases, storage

# An upload tells at most so often, in parts of the whole.
_PARTS = 50


class Bytes(Protocol):
    """A file as the package has it."""

    @property
    def name(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def sha256(self) -> str: ...


def store(files: Sequence[Bytes], tell: Callable[[str, int, int], None]) -> None:
    """Store files durably, each hash checked; `tell(name, sent, total)` follows uploads to a shared storage.

    Raises BuildError; what was stored until then is found again by the next try.
    """
    leases.take(file.sha256 for file in files)
    for file in files:
        storage.put(file.data, file.sha256, _Steps(file.name, tell))


class _Steps:
    """Pass on the progress of one file, but not every step of it."""

    def __init__(self, name: str, tell: Callable[[str, int, int], None]) -> None:
        self._name = name
        self._tell = tell
        self._told = -1

    def __call__(self, sent: int, total: int) -> None:
        part = _PARTS * sent // total if total else _PARTS
        if part != self._told:
            self._told = part
            self._tell(self._name, sent, total)
