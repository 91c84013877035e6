"""Run a real worker process on the test database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
from django.conf import settings

from agentforge.live.connections import connect
from agentforge.worker_liveness import any_worker_alive

from .tied import tied
from .web_process import ROOT, environment

# What compiles, by its names.
TOOLS = ("go", "compile", "link", "asm", "cgo")


class WorkerProcess:
    """A `manage.py procrastinate worker` that compiles the agent sources in the test's settings."""

    # The file of its log.
    log = Path(os.devnull)

    def __init__(
        self,
        *,
        queues: str = "builds",
        concurrency: int = 1,
        grace: int = 1,
        under: Sequence[str] = (),
        **more: str,
    ) -> None:
        self._command = [
            *under, sys.executable, "manage.py", "procrastinate", "worker", "--queues", queues,
            "--concurrency", str(concurrency), "--shutdown-graceful-timeout", str(grace),
        ]  # fmt: skip
        self._environment = more

    def __enter__(self) -> Self:
        sources = str(settings.AGENTFORGE_AGENT_SOURCES)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                **tied(environment(**{"AGENTFORGE_AGENT_SOURCES": sources, **self._environment})),
                stderr=log,
            )
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self._process.poll() is None

    def wakeups(self, seconds: float) -> int:
        """Return how often its threads are woken during some seconds."""
        process = psutil.Process(self._process.pid)
        before = _switches(process)
        time.sleep(seconds)
        return sum(number - before.get(thread, 0) for thread, number in _switches(process).items())

    def compilers(self) -> list[psutil.Process]:
        """Return the running descendants of the worker."""
        return running_descendants(self.pid)

    def wait_until_it_lives(self, queue: str | None = None) -> None:
        """Wait for its first heartbeat; with a queue, until it takes that: builds once Go's cache is warm."""
        with connect() as session:
            while not any_worker_alive(queue):
                # New workers send no notification, so poll their table.
                session.execute("SELECT pg_sleep(0.05)")

    def kill(self) -> None:
        """Kill it with SIGKILL while it compiles, and wait until its compilers are dead."""
        compilers = wait_for_descendants(self.pid)
        self._process.kill()
        self._process.wait()
        _, alive = psutil.wait_procs(compilers, timeout=60)
        assert not [process for process in alive if _runs(process)]

    def stop(self, seconds: float = 60) -> int:
        """Send SIGTERM, wait for the end and return the exit code; check that its compilers are dead."""
        compilers = self.compilers()
        self._process.terminate()
        code = self._process.wait(seconds)
        assert not [process for process in compilers if _runs(process)]
        return code

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)


def running_descendants(pid: int) -> list[psutil.Process]:
    """Return the descendants of a process that have not ended."""
    return [process for process in psutil.Process(pid).children(recursive=True) if _runs(process)]


def running_named(pid: int, *names: str) -> list[psutil.Process]:
    """Return the descendants of a process that run a program with one of these names."""
    return [process for process in running_descendants(pid) if _name(process) in names]


def wait_for_descendants(pid: int, seconds: float = 60) -> list[psutil.Process]:
    """Return the running descendants of a process as soon as there are some.

    A log names a command before its process starts, and nothing tells of the start: look again.
    """
    deadline = time.monotonic() + seconds
    while not (descendants := running_descendants(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return descendants


def let_hearts_stop() -> None:
    """Move every worker's last heartbeat back by a minute."""
    with connect() as session:
        session.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'"
        )


def let_one_live() -> None:
    """Store a worker of every queue that lives for a while and takes nothing."""
    with connect() as session:
        session.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1h')")


def _switches(process: psutil.Process) -> dict[int, int]:
    """Return how often each thread of a process went to sleep, which is how often it was woken."""
    numbers = {}
    for thread in process.threads():
        # A thread may have ended meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{process.pid}/task/{thread.id}/status").read_text()
            numbers[thread.id] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return numbers


def _name(process: psutil.Process) -> str:
    """Return the name of the program that a process runs; nothing if it has ended."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
