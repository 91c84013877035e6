"""Give each build, verification and warm-up a throwaway directory, and remove those whose process died.

A directory in use is locked by its process; the system lets go of the lock however the process ends.
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

# Seconds that a new directory may stay unlocked: it is made a moment before.
_NEW = 5.0


def work_directory() -> Path:
    """Return the directory for throwaway trees."""
    path = Path(settings.VAR_DIR) / "work"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def temporary_workspace(kind: str = "build") -> Iterator[Path]:
    """Make an empty directory for the body, which is removed with everything in it."""
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
    """Return the throwaway directories that no process uses any more."""
    return [path for path in work_directory().iterdir() if _is_left(path)]


def remove_abandoned() -> int:
    """Remove the throwaway directories that no process uses any more, and return their number."""
    found = abandoned()
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _is_left(path: Path) -> bool:
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
