"""Content-addressed artifacts: on this machine, or in a storage that several machines share.

Whatever the storage (`STORAGES["artifacts"]`), a local copy is written first, durably. Running and zipping
read the local copy; a missing one is fetched again and its hash checked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage, storages
from django.utils import timezone

from agentforge.tenancy.request_transaction import outside_transaction

from . import local_store, uploads
from .errors import FileMissing
from .local_backend import LocalArtifactStorage
from .local_store import hash_file as hash_file
from .local_store import name_of
from .local_store import path_of as path_of

Progress = Callable[[int, int], None]
_ALIAS = "artifacts"
_DIRECTORY = re.compile("[0-9a-f]{2}")
# Folders that are listed at the same time: a shared storage answers each in a round trip.
_LISTINGS = 8
_SHA256 = re.compile("[0-9a-f]{64}")


def shared_storage() -> Storage | None:
    """Return the storage that several machines share; None when artifacts are files of this machine."""
    storage = storages[_ALIAS]
    return None if isinstance(storage, LocalArtifactStorage) else storage


def holds(sha256: str) -> bool:
    """Return whether the bytes are stored; local ones are read and must match their hash."""
    shared = shared_storage()
    if shared is None:
        return local_store.holds(sha256)
    with outside_transaction():
        return shared.exists(name_of(sha256))


def still_holds(sha256: str) -> bool:
    """Return whether the bytes are stored; local ones are read unless nobody wrote to them since."""
    return local_store.still_holds(sha256) if shared_storage() is None else holds(sha256)


def put(data: bytes, sha256: str = "", progress: Progress | None = None) -> str:
    """Store bytes durably under their sha256 (computed unless given) and return it.

    `progress(sent, total)` reports in bytes how much a shared storage has received.
    Raises BuildError when the bytes do not read back with that hash, and StorageProblem when a shared storage
    does not accept them.
    """
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    keep_here(data, sha256)
    shared = shared_storage()
    if shared is not None:
        uploads.send(shared, sha256, progress or _ignore_progress)
    return sha256


def keep_here(data: bytes, sha256: str) -> None:
    """Write bytes durably on this machine, unless it has them.

    Raises BuildError when they do not read back with that hash.
    """
    if not local_store.still_holds(sha256):
        local_store.write([data], sha256)


def prepare(size: int) -> None:
    """Make sure that a shared storage takes files of up to `size` bytes, and that nobody else reads them.

    Raises StorageProblem.
    """
    shared: Any = shared_storage()
    if hasattr(shared, "prepare"):
        with uploads.storage_errors("The artifact storage can't be used"):
            uploads.retry(shared, shared.prepare, size)


def local_copy(sha256: str) -> Path:
    """Return the local path of the bytes, fetching them first if necessary; their hash is checked.

    Raises FileMissing when they are stored nowhere, and StorageProblem when the storage does not answer.
    """
    if local_store.holds(sha256):
        return path_of(sha256)
    shared = shared_storage()
    if shared is None:
        raise FileMissing(f"The bytes {sha256[:12]}… are no longer stored.")
    name = name_of(sha256)

    def fetch() -> Path:
        with shared.open(name) as content:
            return local_store.write(content.chunks(), sha256)

    with outside_transaction(), uploads.storage_errors(f"The file {sha256[:12]}… could not be fetched"):
        return uploads.retry_download(shared, fetch)


def delete(*hashes: str) -> None:
    """Delete the bytes, here and in a shared storage, if they exist."""
    shared: Any = shared_storage()
    names = [name_of(sha256) for sha256 in hashes]
    if hasattr(shared, "delete_all"):
        shared.delete_all(names)
    elif shared is not None:
        for name in names:
            shared.delete(name)
    for sha256 in hashes:
        path_of(sha256).unlink(missing_ok=True)


def signed_url(sha256: str, filename: str) -> str | None:
    """Return a short-lived download URL; None when this machine serves the bytes itself.

    Raises StorageProblem.
    """
    shared: Any = shared_storage()
    if shared is None:
        return None
    with outside_transaction():
        return uploads.signed_url(shared, name_of(sha256), filename)


@dataclass(frozen=True)
class Entry:
    """A file of the storage; what its listing did not give is fetched on access."""

    storage: Storage
    name: str
    listed_size: int | None = None
    listed_at: datetime | None = None

    @property
    def sha256(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def size(self) -> int:
        return self.storage.size(self.name) if self.listed_size is None else self.listed_size

    @property
    def changed_at(self) -> datetime:
        changed = self.listed_at or self.storage.get_modified_time(self.name)
        return changed if timezone.is_aware(changed) else timezone.make_aware(changed)


def entries() -> Iterator[Entry]:
    """Yield every artifact in the storage; other files there are not ours."""
    return (entry for entry in _all_entries() if _is_artifact(entry.name))


def foreign_names() -> Iterator[str]:
    """Yield the names of files, or of top-level folders, that are not artifacts."""
    directories, files = storages[_ALIAS].listdir("")
    yield from files
    yield from (f"{name}/" for name in directories if not _DIRECTORY.fullmatch(name))
    yield from (entry.name for entry in _all_entries() if not _is_artifact(entry.name))


def _all_entries() -> Iterator[Entry]:
    storage: Any = storages[_ALIAS]
    top = uploads.retry(storage, storage.listdir, "")[0]
    directories = [directory for directory in sorted(top) if _DIRECTORY.fullmatch(directory)]
    with ThreadPoolExecutor(_LISTINGS, thread_name_prefix="listing") as pool:
        for entries_of_one in pool.map(partial(uploads.retry, storage, _listed, storage), directories):
            yield from entries_of_one


def _listed(storage: Any, directory: str) -> list[Entry]:
    if hasattr(storage, "list_files"):
        return [
            Entry(storage, f"{directory}/{name}", size, changed_at)
            for name, size, changed_at in storage.list_files(directory)
        ]
    return [Entry(storage, f"{directory}/{name}") for name in storage.listdir(directory)[1]]


def _is_artifact(name: str) -> bool:
    directory, _, sha256 = name.partition("/")
    return bool(_SHA256.fullmatch(sha256)) and sha256.startswith(directory)


def _ignore_progress(sent: int, total: int) -> None:
    """No-op progress callback."""
