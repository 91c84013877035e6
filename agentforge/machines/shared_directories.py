"""Directories that all machines of a forge must share, and the mark in each by which they are told apart."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

_MARK = ".agentforge-directory"


@dataclass(frozen=True)
class SharedDirectory:
    """A directory: its variable, what is in it, where it is, and whether it has to be shared."""

    variable: str
    contents: str
    remedy: str
    path: Callable[[], Path]
    is_needed: Callable[[], bool]

    def mark(self) -> str:
        """Return the mark, made if there is none."""
        file = self.path() / _MARK
        with contextlib.suppress(FileNotFoundError):
            return file.read_text().strip()
        self.path().mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{_MARK}.{secrets.token_hex(8)}")
        draft.write_text(f"{secrets.token_hex(8)}\n")
        try:
            with contextlib.suppress(FileExistsError):
                os.link(draft, file)
        finally:
            draft.unlink()
        return file.read_text().strip()


def _has_sites() -> bool:
    directory = Path(settings.AGENTFORGE_SITES_DIR)
    return directory.is_dir() and any(directory.glob("*-*-*-*-*"))


ARTIFACTS = SharedDirectory(
    "AGENTFORGE_ARTIFACTS_DIR",
    "the files of builds",
    "Mount the directory of the other machines and set AGENTFORGE_ARTIFACTS_DIR to it, or keep them in a "
    "shared storage (ARTIFACT_STORAGE).",
    lambda: Path(settings.AGENTFORGE_ARTIFACTS_DIR or Path(settings.VAR_DIR) / "artifacts"),
    lambda: settings.ARTIFACT_STORAGE == "files",
)
SITES = SharedDirectory(
    "AGENTFORGE_SITES_DIR",
    'the sites of "Your own server"',
    "Mount the directory of the other machines and set AGENTFORGE_SITES_DIR to it.",
    lambda: Path(settings.AGENTFORGE_SITES_DIR),
    _has_sites,
)
DIRECTORIES = (ARTIFACTS, SITES)
