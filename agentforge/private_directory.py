"""Close the data directory to the machine's other users."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from environ import ImproperlyConfigured

# Belongs to PostgreSQL's own user when the forge is root; the server closes it itself.
_POSTGRES = "postgres"
# Created closed, whichever process first needs them.
_CLOSED = ("artifacts", "builder", "go", "run", "secrets", "sites", "static", "work")
# Each data directory has one of them from its first start on; others' directories hardly do.
_MARKS = frozenset(("artifacts", "builder", "go", "postgres", "secrets", "sites"))
# The forge's own place, where its tools leave things before its first start.
_DEFAULT = Path(__file__).resolve().parent.parent / "var"
# What a new disk holds.
_OF_DISKS = frozenset(("lost+found", ".gitignore", ".gitkeep"))


def protect(directory: Path, *, with_postgres: bool) -> None:
    """Create the directory if missing, and close it and what is in it to others.

    As root, PostgreSQL runs as another user, who may pass through the directory but not list it. Leaves what
    belongs to somebody else as it is. Raises ImproperlyConfigured for a directory that holds other files:
    they would be closed too.
    """
    _refuse_others(directory)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _set(directory, 0o711 if with_postgres and os.geteuid() == 0 else 0o700)
    with contextlib.suppress(PermissionError):
        for name in _CLOSED:
            (directory / name).mkdir(exist_ok=True, mode=0o700)
        for child in directory.iterdir():
            if child.name != _POSTGRES:
                _close(child)


def _refuse_others(directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError):
        names = {path.name for path in directory.iterdir()} - _OF_DISKS
        if names and not names & _MARKS and directory != _DEFAULT:
            raise ImproperlyConfigured(
                f"AGENTFORGE_VAR is {directory}, which holds other files ({min(names)} and the like). "
                "Nothing was changed. Choose a directory of its own, which may be missing or empty."
            )


def _close(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            _set(path, stat.S_IMODE(mode) & 0o700)


def _set(path: Path, mode: int) -> None:
    with contextlib.suppress(PermissionError):
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
