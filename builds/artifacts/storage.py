"""Keep artifacts under their sha256, stored once: on this machine, or in a storage that several share.

Whatever the storage (`STORAGES["artifacts"]`), this machine's copy is written first, durably; what is run or
zipped here is read from it, and fetched again, its hash checked, where it is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage, storages
from django.utils import timezone

from . import local_store, uploads
from .errors import FileMissing
from .local_backend import ArtifactFiles
from .local_store import hash_file, name_of, path_of

__all__ = ["delete", "entries", "far", "hash_file", "holds", "local_copy", "path_of", "put", "signed_url"]

Progress = Callable[[int, int], None]
_ALIAS = "artifacts"


def near() -> Storage:
    """Return the storage that keeps the artifacts, wherever that is."""
    return storages[_ALIAS]


def far() -> Storage | None:
    """Return the storage that other machines share, None when artifacts are files of this one."""
    storage = near()
    return None if isinstance(storage, ArtifactFiles) else storage


def holds(sha256: str) -> bool:
    """Tell whether the bytes are kept; those on this machine are read and must still have their hash."""
    shared = far()
    return local_store.holds(sha256) if shared is None else shared.exists(name_of(sha256))


def put(data: bytes, sha256: str = "", progress: Progress | None = None) -> str:
    """Store bytes durably under their sha256 (given where it is known already), and return it.

    `progress(sent, total)` is told in bytes what a shared storage has taken.
    Raises BuildError when what was written does not read back with that hash, StorageProblem when a shared
    storage does not take it.
    """
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    if not local_store.holds(sha256):
        local_store.place([data], sha256)
    shared = far()
    if shared is not None:
        uploads.send(shared, sha256, progress or _quiet)
    return sha256


def local_copy(sha256: str) -> Path:
    """Return where the bytes lie on this machine, fetched first if need be; their hash is checked.

    Raises FileMissing when they are kept nowhere, StorageProblem when the storage can't be asked.
    """
    if local_store.holds(sha256):
        return path_of(sha256)
    shared = far()
    if shared is None:
        raise FileMissing(f"The bytes {sha256[:12]}… are no longer kept.")
    with (
        uploads.told(f"The file {sha256[:12]}… could not be fetched"),
        shared.open(name_of(sha256)) as content,
    ):
        return local_store.place(content.chunks(), sha256)


def delete(sha256: str) -> None:
    """Remove the bytes, here and in a shared storage; it is no error if they are gone."""
    shared = far()
    if shared is not None:
        shared.delete(name_of(sha256))
    path_of(sha256).unlink(missing_ok=True)


def signed_url(sha256: str, filename: str) -> str | None:
    """Return an address that hands the bytes out for a short time, None where this machine hands them out.

    Raises StorageProblem.
    """
    shared: Any = far()
    return None if shared is None else uploads.signed_url(shared, name_of(sha256), filename)


@dataclass(frozen=True)
class Entry:
    """Name one file of the storage; its size and time are asked for when they are wanted."""

    storage: Storage
    name: str

    @property
    def sha256(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def size(self) -> int:
        return self.storage.size(self.name)

    @property
    def changed_at(self) -> datetime:
        changed = self.storage.get_modified_time(self.name)
        return changed if timezone.is_aware(changed) else timezone.make_aware(changed)


def entries() -> Iterator[Entry]:
    """Yield everything that the storage keeps."""
    storage = near()
    directories, _ = storage.listdir("")
    for directory in sorted(directories):
        for name in storage.listdir(directory)[1]:
            yield Entry(storage, f"{directory}/{name}")


def _quiet(sent: int, total: int) -> None:
    """Tell nobody."""
