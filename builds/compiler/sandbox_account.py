"""The user that sandboxed programs run as when the forge is root, and the files that it may use."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

NAME = "agentforge_sandbox"


@functools.cache
def account() -> tuple[int, int] | None:
    """Return the user and group id of the sandbox's user, created if missing; None unless this is root.

    If no user can be created (a read-only /etc), it is `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if not _exists(NAME) and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")):
        shell = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin") or "/bin/false"
        command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", shell, NAME]
        # Another process may create it at the same time; what counts is that it exists.
        subprocess.run(command, env={}, capture_output=True, check=False, timeout=30)
    user = pwd.getpwnam(NAME if _exists(NAME) else "nobody")
    return user.pw_uid, user.pw_gid


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def hand_over(writes: Iterable[Path], reads: Iterable[Path]) -> None:
    """As root, give the written files to the sandbox's user and let it read the others."""
    owner = account()
    if owner is None:
        return
    for place in writes:
        for path in _tree(place):
            _give(path, owner)
    for place in reads:
        _open(place, owner)


def _tree(place: Path) -> Iterator[Path]:
    yield place
    for directory, directories, files in os.walk(place):
        yield from (Path(directory, name) for name in (*directories, *files))


def _give(path: Path, owner: tuple[int, int]) -> None:
    """Change the owner of a file, but not of a link's target or of a file with another name elsewhere."""
    status = path.lstat()
    is_linked = stat.S_ISREG(status.st_mode) and status.st_nlink > 1
    if (status.st_uid, status.st_gid) != owner and not is_linked:
        os.chown(path, *owner, follow_symlinks=False)


def _open(place: Path, owner: tuple[int, int]) -> None:
    """Let others read what root installed with a strict umask; the directories above still bar them."""
    status = place.stat()
    if status.st_mode & stat.S_IROTH or status.st_uid == owner[0]:
        return
    for path in _tree(place):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
