"""The files beside the database; each app registers what it keeps on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Item:
    """A file to save: its path within the part, where it is, and its sha256 if that is known beforehand.

    `content` is what a file that may change held at the moment of the snapshot.
    """

    path: str
    source: Path
    sha256: str = ""
    content: bytes | None = None


class Part(Protocol):
    """A kind of files. `name` is their folder in a backup."""

    name: str

    def prepare(self) -> None:
        """Keep files from being removed while they are saved; called before the snapshot is taken."""
        ...

    def facts(self, cursor: Any) -> dict[str, Any]:
        """Return what the manifest says of this part; `cursor` sees the snapshot."""
        ...

    def items(self, cursor: Any) -> Iterator[Item]:
        """Yield the files that the snapshot refers to; called after `facts`."""
        ...

    def obstacle(self, facts: Mapping[str, Any], *, replace: bool) -> str:
        """Return why these files can't be restored here, and the remedy; empty if they can."""
        ...

    def restore(self, folder: Path, paths: list[str], facts: Mapping[str, Any]) -> Iterator[int]:
        """Put the files back, and yield the bytes of each."""
        ...


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    _parts[part.name] = part


def registered() -> list[Part]:
    return list(_parts.values())
