"""Limit the sum of a sandbox's memory and processes with a control group (cgroup v2), where it can be had.

Resource limits hold for one process or one user. A group of its own holds for all that a command starts.
https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

CONTROLLERS = ("memory", "pids")
# Used where it can be had: shares of the processors by weight.
_WEIGHT = "cpu"
# As root, the directory of all groups of sandboxes, below the mount.
NAME = "agentforge"
_PREFIX = "sandbox-"
# A group younger than this may be about to receive its process.
_YOUNG_SECONDS = 60
_PROBE_SECONDS = 10
_MIB = 1024 * 1024
# Swap and the common end are for kernels that have them.
_ENTER = (
    'mkdir "$0" && echo "$1" > "$0/memory.max" && echo "$2" > "$0/pids.max"'
    ' && { [ ! -e "$0/cpu.weight" ] || echo "$3" > "$0/cpu.weight"; }'
    ' && { echo 0 > "$0/memory.swap.max"; echo 1 > "$0/memory.oom.group"; true; } 2> /dev/null'
    ' && echo $$ > "$0/cgroup.procs" || { echo "Its control group can not be used." >&2; exit 125; }\n'
    'shift 3; exec "$@"'
)


class ControlGroupError(Exception):
    """No group can be had here; `remedy` says what would change that."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


@dataclass(frozen=True)
class Parent:
    """A directory of the control groups in which each sandbox gets its own."""

    directory: Path

    def enter(self, command: Sequence[str], *, memory: int, processes: int, weight: int = 100) -> list[str]:
        """Return the command in a new group, limited to `memory` MiB and a number of processes.

        Where processors are shared by groups, it gets them by its weight, which is usually 100.

        It exits with 125 if the group can't be used. The group stays until a later call finds it empty.
        """
        self._remove_old()
        group = self.directory / f"{_PREFIX}{uuid.uuid4().hex}"
        return [
            "/bin/sh",
            "-c",
            _ENTER,
            str(group),
            str(memory * _MIB),
            str(processes),
            str(weight),
            *command,
        ]

    @property
    def has_weights(self) -> bool:
        """Return whether its groups share the processors by weight."""
        return _WEIGHT in (self.directory / "cgroup.subtree_control").read_text().split()

    def _remove_old(self) -> None:
        """Remove the groups of ended sandboxes; the kernel keeps those that have processes."""
        for group in self.directory.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                if time.time() - group.stat().st_ctime > _YOUNG_SECONDS:
                    group.rmdir()

    def prove(self) -> None:
        """Run a program in a group. Raises ControlGroupError if that does not work."""
        command = self.enter(["/bin/true"], memory=64, processes=8)
        try:
            done = subprocess.run(
                command, env={}, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
            )
        except subprocess.SubprocessError as error:
            raise ControlGroupError(f"{self.directory} can't be used ({error})", _DELEGATE) from error
        with contextlib.suppress(OSError):
            Path(command[3]).rmdir()
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
            raise ControlGroupError(f"{self.directory} can't be used ({reason})", _DELEGATE)


_MOUNT = (
    "Boot with cgroup v2 alone (systemd.unified_cgroup_hierarchy=1), or give the container a private one."
)
_DELEGATE = (
    "Under systemd, set Delegate=yes and DelegateSubgroup=forge in the unit; or set AGENTFORGE_CGROUP to a"
    " directory of cgroup v2 that the forge's user owns and that holds no process."
)


@functools.cache
def parent() -> Parent:
    """Return the proven directory of this machine, determined once. Raises ControlGroupError."""
    # A sandbox can be used without Django.
    chosen = settings.AGENTFORGE_CGROUP if settings.configured else None
    return find(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"), chosen)


def find(mount: Path, own: Path, chosen: Path | None = None) -> Parent:
    """Return the directory below `mount` to make groups in, after making one.

    `own` is the process's /proc/self/cgroup, `chosen` the operator's directory. Raises ControlGroupError.
    """
    root = _root(mount)
    directory = chosen or (root / NAME if os.geteuid() == 0 else _above_own(root, own))
    try:
        if directory == root / NAME:
            _enable(root)
            directory.mkdir(exist_ok=True)
        _enable(directory)
    except OSError as error:
        reason = f"{error.filename or directory} can't be changed ({error.strerror})"
        raise ControlGroupError(reason, _DELEGATE) from error
    _share_processors(directory)
    found = Parent(directory)
    found.prove()
    return found


def _root(mount: Path) -> Path:
    """Return the mount of cgroup v2, which is a directory of the mount on machines that use v1 as well."""
    for root in (mount, mount / "unified"):
        if not (root / "cgroup.controllers").is_file():
            continue
        missing = _missing(root / "cgroup.controllers")
        if not missing:
            return root
        raise ControlGroupError(f"cgroup v2 at {root} does not control {' and '.join(missing)}", _MOUNT)
    raise ControlGroupError(f"no cgroup v2 is mounted at {mount}", _MOUNT)


def _above_own(root: Path, own: Path) -> Path:
    """Return the group above that of this process: one with processes of its own can't limit others."""
    lines = own.read_text().splitlines() if own.is_file() else []
    path = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/").strip("/")
    if "/" not in path:
        raise ControlGroupError("this process is in no control group that was delegated to it", _DELEGATE)
    return (root / path).parent


def _enable(directory: Path) -> None:
    """Hand the controllers on to the groups in a directory."""
    file = directory / "cgroup.subtree_control"
    if missing := _missing(file):
        file.write_text(" ".join(f"+{name}" for name in missing))


def _share_processors(directory: Path) -> None:
    """Let groups in a directory have weights, if the machine hands the controller on this far."""
    with contextlib.suppress(OSError):
        if _WEIGHT in (directory / "cgroup.controllers").read_text().split():
            (directory / "cgroup.subtree_control").write_text(f"+{_WEIGHT}")


def _missing(file: Path) -> list[str]:
    held = file.read_text().split()
    return [name for name in CONTROLLERS if name not in held]
