"""The default artifact storage: files on this machine."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import Storage

from . import local_store


class LocalArtifactStorage(Storage):
    """Artifacts in `var/artifacts`; an installation on several machines needs a shared storage instead."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name unchanged: it is the content's hash, so an existing file is identical."""
        return name

    def path(self, name: str) -> str:
        return str(local_store.root() / name)

    def exists(self, name: str) -> bool:
        return (local_store.root() / name).is_file()

    def size(self, name: str) -> int:
        return (local_store.root() / name).stat().st_size

    def delete(self, name: str) -> None:
        (local_store.root() / name).unlink(missing_ok=True)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        directory = local_store.root() / path
        entries = sorted(directory.iterdir()) if directory.is_dir() else []
        files = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
        return [entry.name for entry in entries if entry.is_dir()], files

    def get_modified_time(self, name: str) -> datetime:
        return datetime.fromtimestamp((local_store.root() / name).stat().st_mtime, UTC)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        return File((local_store.root() / name).open("rb"), name)

    def _save(self, name: str, content: IO[Any] | File[Any]) -> str:
        data = content.read()
        sha256 = hashlib.sha256(data).hexdigest()
        local_store.write([data], sha256)
        return local_store.name_of(sha256)
