"""Keep artifacts under their sha256: stored once, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings

from .errors import BuildError


def root() -> Path:
    """Return the directory that holds the artifacts' bytes."""
    return Path(settings.VAR_DIR) / "artifacts"


def path_of(sha256: str) -> Path:
    """Return where the bytes with that hash lie, or would."""
    return root() / sha256[:2] / sha256


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def holds(sha256: str) -> bool:
    """Tell whether the bytes are there and still have their hash."""
    path = path_of(sha256)
    return path.is_file() and hash_file(path) == sha256


def put(data: bytes, sha256: str = "") -> str:
    """Store bytes durably under their sha256 (given where it is known already), and return it.

    Raises BuildError when what was written does not read back with that hash.
    """
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    target = path_of(sha256)
    if holds(sha256):
        return sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if hash_file(temporary) != sha256:
            raise BuildError("The artifact did not read back as it was written; the disk may be failing.")
        # Executable, because a host is run from where it is stored.
        temporary.chmod(0o755)
        temporary.replace(target)
        _sync_directory(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return sha256


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
