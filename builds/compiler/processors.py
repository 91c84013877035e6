"""Let no more compilers run on this machine than it has processors; more would only slow each other down.

Processes take turns by tickets in a directory. A ticket is a file that its holder keeps locked, so it ends
with its holder, however that dies. The holders of the first tickets, one for each processor, may compile.
"""

from __future__ import annotations

import asyncio
import fcntl
import math
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from django.conf import settings

from builds.logs.build_log import BuildLog

# Held while tickets are drawn and counted, for a moment each time.
_DOOR = "door"
# Seconds between two looks at the tickets before the own one.
_POLL = 0.1
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@asynccontextmanager
async def one(log: BuildLog) -> AsyncIterator[None]:
    """Hold one of the processors during the block, first come, first served; log if that takes a wait.

    Nothing that needs another processor to go on may run in the block.
    """
    ticket = _Ticket(_directory())
    try:
        if not ticket.is_next():
            log.info(f"Waits for a free processor: this machine runs at most {_compilers(most())} at once.")
            started = time.monotonic()
            while not ticket.is_next():
                await asyncio.sleep(_POLL)
            log.info(f"A processor is free, after {time.monotonic() - started:.1f} s.")
        yield
    finally:
        ticket.give_back()


def count() -> int:
    """Return the number of processors that this process may use, by affinity and control group."""
    return max(1, min(len(os.sched_getaffinity(0)), _quota()))


def _quota() -> int:
    """Return how many processors a container's limit allows."""
    try:
        most, period = _QUOTA.read_text().split()
        return math.ceil(int(most) / int(period))
    except (OSError, ValueError):
        # No such file, or "max".
        return os.cpu_count() or 1


def most() -> int:
    """Return how many compilers may run at once on this machine."""
    return settings.MOST_COMPILERS or count()


def _compilers(number: int) -> str:
    return f"{number} compilers" if number > 1 else "one compiler"


def _directory() -> Path:
    path = Path(settings.AGENTFORGE_PROCESSORS_DIR)
    path.mkdir(parents=True, exist_ok=True)
    return path


class _Ticket:
    """A place in the line for a processor; the smaller its number, the earlier its turn."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with _door(directory):
            self._number = max(_numbers(directory), default=0) + 1
            self._path = directory / str(self._number)
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def is_next(self) -> bool:
        """Return whether fewer compilers than processors hold earlier tickets."""
        with _door(self._directory):
            earlier = [number for number in _numbers(self._directory) if number < self._number]
            return sum(_is_held(self._directory / str(number)) for number in earlier) < most()

    def give_back(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


@contextmanager
def _door(directory: Path) -> Iterator[None]:
    with (directory / _DOOR).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _numbers(directory: Path) -> list[int]:
    return [int(path.name) for path in directory.iterdir() if path.name.isdecimal()]


def _is_held(path: Path) -> bool:
    """Return whether a ticket's holder lives, and remove the ticket of one that does not."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
