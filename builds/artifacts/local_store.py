"""Content-addressed files on this machine: stored once under their sha256, written atomically."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from agentforge.machines.shared_directories import ARTIFACTS
from builds.errors import BuildError

# What this process has read and compared: a file's sha256 and state.
_checked: dict[Path, tuple[str, tuple[int, ...]]] = {}
_MOST_CHECKED = 4096


def root() -> Path:
    """Return the directory that holds this machine's copies, or those of all machines."""
    return ARTIFACTS.path()


def name_of(sha256: str) -> str:
    """Return the storage name of the bytes with this hash, the same in every storage."""
    return f"{sha256[:2]}/{sha256}"


def path_of(sha256: str) -> Path:
    """Return the path of the bytes with this hash, whether or not they exist."""
    return root() / name_of(sha256)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def holds(sha256: str) -> bool:
    """Return whether the bytes exist and still match their hash."""
    path = path_of(sha256)
    return path.is_file() and hash_file(path) == sha256


def still_holds(sha256: str) -> bool:
    """Return what `holds` does, without reading bytes that nobody changed since this process checked them."""
    return still_matches(path_of(sha256), sha256)


def still_matches(path: Path, sha256: str) -> bool:
    """Return whether a file exists and has this hash; it is read only if somebody wrote to it since."""
    try:
        state = _state(path)
        matches = _checked.get(path) == (sha256, state) or hash_file(path) == sha256
    except FileNotFoundError:
        return False
    if matches:
        _remember(path, sha256, state)
    return matches


def hash_of(path: Path) -> str:
    """Return the sha256 of a file, in hex; it is read unless nobody wrote to it since this process did."""
    sha256, state = _checked.get(path, ("", ()))
    return sha256 if sha256 and state == _state(path) else hash_file(path)


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes with any write: who writes to a file can set its mtime back, but not its ctime."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _remember(path: Path, sha256: str, state: tuple[int, ...]) -> None:
    if len(_checked) >= _MOST_CHECKED:
        _checked.clear()
    _checked[path] = sha256, state


def write(pieces: Iterable[bytes], sha256: str) -> Path:
    """Write bytes durably under their sha256 and return their path.

    Raises BuildError, keeping nothing, when they do not read back with that hash.
    """
    target = path_of(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if hash_file(temporary) != sha256:
            raise BuildError("The artifact did not read back as it was written; the disk may be failing.")
        # Executable: a host runs from the place where it is stored.
        temporary.chmod(0o755)
        temporary.replace(target)
        _sync_directory(target.parent)
        _remember(target, sha256, _state(target))
    finally:
        temporary.unlink(missing_ok=True)
    return target


def paths() -> Iterator[Path]:
    """Yield the path of every complete file."""
    for directory in sorted(root().glob("??")):
        yield from (path for path in sorted(directory.iterdir()) if not path.name.startswith("."))


def leftovers(*, before: float) -> Iterator[Path]:
    """Yield partial files of dead writers, last modified before a time (seconds since the epoch)."""
    for path in root().glob("??/.new-*"):
        if path.stat().st_mtime < before:
            yield path


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
