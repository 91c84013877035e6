"""Temporary directories of builds, verifications and warm-ups, and the removal of abandoned ones.

A process locks its directory; the system releases the lock however the process ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

# Seconds in which a new directory may be unlocked, since it is created first.
_NEW = 5.0


def work_directory() -> Path:
    """Return the directory that holds the temporary directories."""
    path = Path(settings.VAR_DIR) / "work"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def temporary_workspace(kind: str = "build") -> Iterator[Path]:
    """Create an empty directory, and remove it with its contents after the block."""
    with tempfile.TemporaryDirectory(
        dir=work_directory(), prefix=f"{kind}-", ignore_cleanup_errors=True
    ) as name:
        descriptor = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(descriptor)


def abandoned() -> list[Path]:
    """Return the temporary directories of dead processes."""
    return [path for path in work_directory().iterdir() if _is_abandoned(path)]


def remove_abandoned() -> int:
    """Remove the temporary directories of dead processes, and return their number."""
    directories = abandoned()
    for path in directories:
        shutil.rmtree(path, ignore_errors=True)
    return len(directories)


def _is_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return time.time() - os.fstat(descriptor).st_mtime > _NEW
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
