"""Keep one launcher a directory, and find what a killed one left behind."""

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
    """A process that can be told from a later one with the same number."""

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
    """The processes of the launcher of one data directory, written down as they start."""

    def __init__(self, var_dir: Path) -> None:
        self._path = var_dir / "run" / "processes.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock: IO[str] | None = None

    def claim(self, url: str) -> None:
        """Make this process the directory's only launcher until it ends; raises AlreadyRunning."""
        # Not inheritable: the system lets go of the lock when the launcher ends, however it ends.
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
        """End the processes of an earlier run that outlived it, and return the names of those written down.

        Each gets `patience` seconds to stop by itself.
        """
        left = [(known, found) for known in self.read() if (found := known.find())]
        orphans = [process for known in self.read() for process in members_of_session(known)]
        end([process for _, process in left] + orphans, patience)
        self.write([])
        return [known.name for known, _ in left]

    def write(self, processes: list[ProcessId]) -> None:
        """Replace what is written down."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(known) for known in processes]))
        fresh.replace(self._path)

    def read(self) -> list[ProcessId]:
        """Return what is written down."""
        try:
            return [ProcessId(**entry) for entry in json.loads(self._path.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []


def members_of_session(leader: ProcessId) -> list[psutil.Process]:
    """Return the processes that run in the session that a process leads or led.

    The system gives a session's number to nobody else while a member of it runs.
    """
    found = psutil.Process(leader.pid) if psutil.pid_exists(leader.pid) else None
    if found and not leader.find():
        return []  # the number belongs to a later process
    return [p for p in psutil.process_iter() if p.pid != leader.pid and _session(p.pid) == leader.pid]


def end(processes: list[psutil.Process], patience: float) -> None:
    """Ask processes to stop, and kill those that still run `patience` seconds later."""
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
