"""Keep the deploys of one site: their lists of files, their contents, and the trees made of them."""

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
from deployments.hosts.base import Content, Entry, HostError, Reason, Sent

from . import site_directory
from .site_directory import Place

UPLOADING, READY, CANCELLED = "uploading", "ready", "cancelled"


@dataclass(frozen=True)
class Deploy:
    """Hold a deploy as its file of facts says it; `files` are path → sha256."""

    key: str
    title: str
    draft: bool
    state: str
    files: dict[str, str]
    executables: list[str] = field(default_factory=list)

    def facts(self, **changed: Any) -> dict[str, Any]:
        return {**{name: value for name, value in vars(self).items() if name != "key"}, **changed}


def sha256_of(content: Content) -> str:
    """Return a content's hash, in hex."""
    made = hashlib.sha256()
    for piece in content.pieces():
        made.update(piece)
    return made.hexdigest()


def key_of(title: str) -> str:
    """Return a deploy's id: its title's hash, so that one title is one deploy."""
    return hashlib.sha256(title.encode()).hexdigest()[:24]


def load(place: Place, key: str) -> Deploy | None:
    """Return a deploy, None when there is none."""
    try:
        return Deploy(key, **site_directory.read(place.deploy(key) / "deploy.json"))
    except FileNotFoundError:
        return None


def store(place: Place, deploy: Deploy, **changed: Any) -> None:
    """Store a deploy with what changed of it."""
    place.deploy(deploy.key).mkdir(parents=True, exist_ok=True)
    site_directory.write(place.deploy(deploy.key) / "deploy.json", deploy.facts(**changed))


def new(title: str, entries: list[Entry], *, draft: bool) -> Deploy:
    """Return a deploy that nobody has yet.

    Raises HostError for a path that leads out of its tree.
    """
    for entry in entries:
        parts = PurePosixPath(entry.path).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in entry.path:
            raise HostError(Reason.REFUSED, f"{entry.path!r} is no path of a file in a site.")
    files = {entry.path: entry.digest for entry in entries}
    executables = sorted(entry.path for entry in entries if entry.is_executable)
    return Deploy(key_of(title), title, draft, UPLOADING, files, executables)


def missing(place: Place, deploy: Deploy) -> frozenset[str]:
    """Return the hashes of the contents that are not there yet, or were changed on the disk."""
    if deploy.state != UPLOADING:
        return frozenset()
    wanted = set(deploy.files.values())
    return frozenset(sha256 for sha256 in wanted if not _holds(place.content(sha256), sha256))


def keep(place: Place, sha256: str, content: Content, sent: Sent) -> None:
    """Write a content durably under its hash.

    Raises HostError when it has another hash; then nothing is kept, and `sent` is told so.
    """
    pool = place.content(sha256).parent
    pool.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=pool, prefix=".new-")
    count, made, done = 0, hashlib.sha256(), False
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in content.pieces():
                file.write(piece)
                made.update(piece)
                count += len(piece)
                sent(len(piece))
            file.flush()
            os.fsync(file.fileno())
        if made.hexdigest() != sha256:
            raise HostError(Reason.MISMATCH, "A file had other bytes than announced. Deploy again.")
        Path(name).chmod(0o644)
        Path(name).replace(place.content(sha256))
        done = True
    finally:
        if not done:
            Path(name).unlink(missing_ok=True)
            sent(-count)


def complete(place: Place, deploy: Deploy) -> None:
    """Make a deploy's tree of the contents; what an attempt that died left of it goes first."""
    tree = place.tree(deploy.key)
    begun = tree.with_name("tree.new")
    shutil.rmtree(begun, ignore_errors=True)
    for path, sha256 in deploy.files.items():
        file = begun / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path in deploy.executables:
            place.content(sha256).chmod(0o755)
        os.link(place.content(sha256), file)
    shutil.rmtree(tree, ignore_errors=True)
    begun.rename(tree)


def is_whole(place: Place, deploy: Deploy) -> bool:
    """Tell whether every file of a deploy's tree has the hash that it should have."""
    tree = place.tree(deploy.key)
    return all(_holds(tree / path, sha256) for path, sha256 in deploy.files.items())


def _holds(path: Path, sha256: str) -> bool:
    return path.is_file() and local_store.hash_file(path) == sha256


def everyone(place: Place) -> Iterator[Deploy]:
    """Yield every deploy of a site."""
    directory = place.path / "deploys"
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        if (found := load(place, path.name)) is not None:
            yield found


def remove(place: Place, key: str) -> None:
    """Remove a deploy, and the contents that no other deploy holds."""
    shutil.rmtree(place.deploy(key), ignore_errors=True)
    if any(deploy.state == UPLOADING for deploy in everyone(place)):
        # Its contents lie there without a link yet.
        return
    for content in (place.path / "contents").glob("*"):
        if content.stat().st_nlink == 1:
            content.unlink()
