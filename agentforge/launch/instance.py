"""Allow one launcher per directory, and find the processes that a killed one left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

# Creation times are computed from the boot time, which moves when the clock is set.
SAME_TIME = 2.0


class AlreadyRunning(Exception):
    """Another launcher holds the directory."""


@dataclass(frozen=True)
class ProcessId:
    """A process, distinguishable from a later one with the same number."""

    name: str
    pid: int
    created: float

    def find(self) -> psutil.Process | None:
        """Return the process if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_TIME
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class Record:
    """The processes of a data directory's launcher, recorded on disk as they start."""

    def __init__(self, var_dir: Path) -> None:
        self._path = var_dir / "run" / "processes.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock: IO[str] | None = None

    def claim(self, url: str) -> None:
        """Make this process the directory's only launcher until it ends; raises AlreadyRunning."""
        # Not inheritable: the system releases the lock when the launcher ends, however it ends.
        lock = self._path.with_name("launcher.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(lock.read().strip()) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {url}")
        lock.flush()
        self._lock = lock

    def end_leftovers(self, patience: float) -> list[str]:
        """Stop processes that outlived an earlier run, and return the names of the recorded ones.

        Each gets `patience` seconds to stop before it is killed.
        """
        left = [(entry, process) for entry in self.read() if (process := entry.find())]
        orphans = [process for entry in self.read() for process in members_of_session(entry)]
        end([process for _, process in left] + orphans, patience)
        self.write([])
        return [entry.name for entry, _ in left]

    def write(self, processes: list[ProcessId]) -> None:
        """Replace the recorded processes."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(process) for process in processes]))
        fresh.replace(self._path)

    def read(self) -> list[ProcessId]:
        """Return the recorded processes."""
        try:
            return [ProcessId(**entry) for entry in json.loads(self._path.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []


def members_of_session(leader: ProcessId) -> list[psutil.Process]:
    """Return the running processes of a session, without its leader, which may have ended.

    The system does not reuse a session's number while a member of it runs.
    """
    if psutil.pid_exists(leader.pid) and not leader.find():
        return []  # the number belongs to a later process
    return [p for p in psutil.process_iter() if p.pid != leader.pid and _session(p.pid) == leader.pid]


def end(processes: list[psutil.Process], patience: float) -> None:
    """Terminate processes, and kill those that still run `patience` seconds later."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=patience)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=patience)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return 0
