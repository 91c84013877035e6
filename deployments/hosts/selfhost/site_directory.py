"""Lay out the directories of sites, and write what is known of them whole or not at all.

<sites>/<owner>/<site>/site.json           its lock
<sites>/<owner>/<site>/contents/<sha256>   every content once; deploys hold links to them
<sites>/<owner>/<site>/deploys/<id>/       deploy.json and, once it is complete, tree/
<sites>/<owner>/<site>/live                a link to the tree that is shown: what a web server serves
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_ID = re.compile(r"[0-9a-f]{24}")


def root() -> Path:
    """Return the directory of all sites."""
    return Path(settings.AGENTFORGE_SITES_DIR)


def every_site() -> Iterator[Path]:
    """Yield the directory of each site, whosever it is."""
    for owner in sorted(root().glob("*-*-*-*-*")):
        yield from (path for path in sorted(owner.iterdir()) if NAME.fullmatch(path.name))


@dataclass(frozen=True)
class Place:
    """Name the paths of one site; its name was checked, so that no path leads elsewhere."""

    owner: UUID
    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError("no name of a site")

    @property
    def path(self) -> Path:
        return root() / str(self.owner) / self.name

    @property
    def facts(self) -> Path:
        return self.path / "site.json"

    @property
    def live(self) -> Path:
        return self.path / "live"

    def content(self, sha256: str) -> Path:
        return self.path / "contents" / sha256

    def deploy(self, key: str) -> Path:
        if not _ID.fullmatch(key):
            raise ValueError("no id of a deploy")
        return self.path / "deploys" / key

    def tree(self, key: str) -> Path:
        return self.deploy(key) / "tree"

    def live_key(self) -> str:
        """Return which deploy is shown, empty for none, or for something that was put there by hand."""
        try:
            key = os.readlink(self.live).removeprefix("deploys/").removesuffix("/tree")
        except OSError:
            return ""
        return key if _ID.fullmatch(key) and self.tree(key).is_dir() else ""

    def show(self, key: str) -> None:
        """Let the site show a deploy: in one step, so that no visitor meets half of it."""
        link = self.path / f".live-{key}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("deploys", key, "tree"))
        link.replace(self.live)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of this machine away from the site's contents and deploys."""
        with (self.path / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def read(path: Path) -> dict[str, Any]:
    """Return a file of facts.

    Raises FileNotFoundError, or ValueError for a damaged one.
    """
    found = json.loads(path.read_text())
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found


def write(path: Path, facts: dict[str, Any]) -> None:
    """Write a file of facts durably: the old one or the new one is there, never half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(facts, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
