"""The layout of sites on the disk; metadata files are written atomically.

<sites>/<owner>/<site>/site.json           whether the site is locked
<sites>/<owner>/<site>/contents/<sha256>   each content once; deploys hold hard links to them
<sites>/<owner>/<site>/deploys/<id>/       deploy.json and, once it is complete, tree/
<sites>/<owner>/<site>/live                a symbolic link to the tree that is live: what a web server serves
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
    """Yield the directory of each site of every owner."""
    for owner in sorted(root().glob("*-*-*-*-*")):
        yield from (path for path in sorted(owner.iterdir()) if NAME.fullmatch(path.name))


@dataclass(frozen=True)
class SiteDirectory:
    """The paths of one site; raises ValueError for a name or id that could lead elsewhere."""

    owner: UUID
    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError("not the name of a site")

    @property
    def path(self) -> Path:
        return root() / str(self.owner) / self.name

    @property
    def metadata(self) -> Path:
        return self.path / "site.json"

    @property
    def live(self) -> Path:
        return self.path / "live"

    def content(self, sha256: str) -> Path:
        return self.path / "contents" / sha256

    def deploy(self, key: str) -> Path:
        if not _ID.fullmatch(key):
            raise ValueError("not the id of a deploy")
        return self.path / "deploys" / key

    def tree(self, key: str) -> Path:
        return self.deploy(key) / "tree"

    def live_key(self) -> str:
        """Return the id of the live deploy, empty for none and for a link that was made by hand."""
        try:
            key = os.readlink(self.live).removeprefix("deploys/").removesuffix("/tree")
        except OSError:
            return ""
        return key if _ID.fullmatch(key) and self.tree(key).is_dir() else ""

    def make_live(self, key: str) -> None:
        """Put a deploy live atomically: no visitor sees half of it."""
        link = self.path / f".live-{key}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("deploys", key, "tree"))
        link.replace(self.live)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes of this machine from changing the site's contents and deploys."""
        with (self.path / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def read(path: Path) -> dict[str, Any]:
    """Return the metadata in a file.

    Raises FileNotFoundError, or ValueError for a damaged one.
    """
    metadata = json.loads(path.read_text())
    if not isinstance(metadata, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return metadata


def write(path: Path, metadata: dict[str, Any]) -> None:
    """Write metadata durably and atomically."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(metadata, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
