"""The deploys of one site: their lists of files, their contents, and the trees made of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from builds.artifacts import local_store
from deployments.hosts.base import Content, Entry, HostError, OnSent, Reason

from . import site_directory
from .site_directory import SiteDirectory

UPLOADING, READY, CANCELLED = "uploading", "ready", "cancelled"


@dataclass(frozen=True)
class Deploy:
    """A deploy as its metadata describes it; `files`: path → sha256."""

    key: str
    title: str
    draft: bool
    state: str
    files: dict[str, str]
    executables: list[str] = field(default_factory=list)

    def metadata(self, **changes: Any) -> dict[str, Any]:
        return {**{name: value for name, value in vars(self).items() if name != "key"}, **changes}


def sha256_of(content: Content) -> str:
    """Return a content's hash, in hex."""
    digest = hashlib.sha256()
    for piece in content.pieces():
        digest.update(piece)
    return digest.hexdigest()


def key_of(title: str) -> str:
    """Return a deploy's id: the hash of its title, so that one title is one deploy."""
    return hashlib.sha256(title.encode()).hexdigest()[:24]


def load(site: SiteDirectory, key: str) -> Deploy | None:
    """Return a deploy, None if there is none."""
    try:
        return Deploy(key, **site_directory.read(site.deploy(key) / "deploy.json"))
    except FileNotFoundError:
        return None


def save(site: SiteDirectory, deploy: Deploy, **changes: Any) -> None:
    """Store a deploy with changes to it."""
    site.deploy(deploy.key).mkdir(parents=True, exist_ok=True)
    site_directory.write(site.deploy(deploy.key) / "deploy.json", deploy.metadata(**changes))


def new(title: str, entries: list[Entry], *, draft: bool) -> Deploy:
    """Return a new deploy, not stored yet.

    Raises HostError for a path that leads out of its tree.
    """
    for entry in entries:
        parts = PurePosixPath(entry.path).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in entry.path:
            raise HostError(Reason.REFUSED, f"{entry.path!r} is not a valid path of a site's file.")
    files = {entry.path: entry.digest for entry in entries}
    executables = sorted(entry.path for entry in entries if entry.is_executable)
    return Deploy(key_of(title), title, draft, UPLOADING, files, executables)


def missing(site: SiteDirectory, deploy: Deploy) -> frozenset[str]:
    """Return the hashes of contents that are still missing, or were changed on the disk."""
    if deploy.state != UPLOADING:
        return frozenset()
    return frozenset(
        sha256 for sha256 in set(deploy.files.values()) if not _is_intact(site.content(sha256), sha256)
    )


def store_content(site: SiteDirectory, sha256: str, content: Content, on_sent: OnSent) -> None:
    """Write a content durably under its hash.

    Raises HostError when its hash differs; then nothing is kept, and `on_sent` gets its bytes as negative.
    """
    directory = site.content(sha256).parent
    directory.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".new-")
    count, digest, done = 0, hashlib.sha256(), False
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in content.pieces():
                file.write(piece)
                digest.update(piece)
                count += len(piece)
                on_sent(len(piece))
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            raise HostError(Reason.MISMATCH, "A file had different bytes than announced. Deploy again.")
        Path(name).chmod(0o644)
        Path(name).replace(site.content(sha256))
        done = True
    finally:
        if not done:
            Path(name).unlink(missing_ok=True)
            on_sent(-count)


def complete(site: SiteDirectory, deploy: Deploy) -> None:
    """Make a deploy's tree of its contents, after removing what an interrupted attempt left."""
    tree = site.tree(deploy.key)
    unfinished = tree.with_name("tree.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    for path, sha256 in deploy.files.items():
        file = unfinished / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path in deploy.executables:
            site.content(sha256).chmod(0o755)
        os.link(site.content(sha256), file)
    shutil.rmtree(tree, ignore_errors=True)
    unfinished.rename(tree)


def is_whole(site: SiteDirectory, deploy: Deploy) -> bool:
    """Return whether every file of a deploy's tree has its hash."""
    tree = site.tree(deploy.key)
    return all(_is_intact(tree / path, sha256) for path, sha256 in deploy.files.items())


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and local_store.hash_file(path) == sha256


def all_deploys(site: SiteDirectory) -> Iterator[Deploy]:
    directory = site.path / "deploys"
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        if (deploy := load(site, path.name)) is not None:
            yield deploy


def remove(site: SiteDirectory, key: str) -> None:
    """Remove a deploy, and the contents that no other deploy links to."""
    shutil.rmtree(site.deploy(key), ignore_errors=True)
    if any(deploy.state == UPLOADING for deploy in all_deploys(site)):
        # Its contents have no link yet.
        return
    for content in (site.path / "contents").glob("*"):
        if content.stat().st_nlink == 1:
            content.unlink()
