"""Run several web processes on one port.

Each has a listening socket of its own (SO_REUSEPORT), among which Linux spreads connections evenly; elsewhere
they share one. A process listens when it is ready, and its socket ends with it, so that only processes that
answer get connections. They are forks, and so have in memory once what this process has imported.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn

from django.core.management.base import CommandError
from prometheus_client import multiprocess

from agentforge import lifeline
from agentforge.restarts import LIVES, Restarts
from agentforge.telemetry import process_metrics
from agentforge.tenancy import embedded

logger = logging.getLogger(__name__)

SPREADS = sys.platform == "linux"
PATIENCE = 10.0  # seconds a process gets to end before it is killed
_ENDS = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
_SIGNALS = _ENDS | {signal.SIGCHLD}
_forget_gauges: Callable[[int, str], None] = multiprocess.mark_process_dead

# Serves on a socket that does not listen yet, until SIGTERM.
Serve = Callable[[socket.socket], None]
# Waits for signals, so many seconds or for ever, and returns them.
_Received = Callable[[float | None], set[int]]


@dataclass
class _Place:
    """One of the processes: the one that runs, or when the next one starts."""

    restarts: Restarts = field(default_factory=Restarts)
    pid: int = 0
    starts_at: float = 0.0


class WebProcesses:
    """Keeps a number of processes that serve on one port alive until SIGTERM or SIGINT.

    The process that makes it must have no event loop, no connection and no thread that works.
    """

    def __init__(self, host: str, port: int, count: int, serve: Serve) -> None:
        """Reserve the port; raises OSError if it is taken. Port 0 takes any free one."""
        self._address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Sockets that share their port would let another forge of this user in.
        with self._bound(shares=False) as alone:
            self._address = (*self._address[:4], alone.getsockname())
        self._reserved = self._bound(shares=SPREADS)
        self._places = [_Place() for _ in range(count)]
        self._serve = serve

    def run(self) -> int:
        """Return the exit code: 0 once asked to end, 1 if a process can't be kept running."""
        # A collection writes to all that it looks at, and so would copy what is shared.
        gc.freeze()
        with (
            self._reserved,
            _directory() as self._counters,
            _pipe() as self._lifeline,
            _signals() as received,
        ):
            try:
                return self._keep_all(received)
            finally:
                self._end_all(received)

    def _keep_all(self, received: _Received) -> int:
        while True:
            now = time.monotonic()
            for place in self._places:
                if not place.pid and place.starts_at <= now:
                    place.pid = self._fork()
            waiting = [place.starts_at for place in self._places if not place.pid]
            if received(max(0.0, min(waiting) - now) if waiting else None) & _ENDS:
                return 0
            for place, code in self._reap():
                if (pause := place.restarts.pause()) is None:
                    logger.error(
                        "A web process ended %s times within a minute (%s last); all end.", LIVES, code
                    )
                    return 1
                logger.warning("A web process ended (%s); starting another one.", code)
                place.starts_at = time.monotonic() + pause

    def _fork(self) -> int:
        """Return the id of a new process, which serves and never returns."""
        with self._bound(shares=True) if SPREADS else self._reserved.dup() as listening:
            # A signal meanwhile would be taken for the parent's.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            try:
                if (pid := os.fork()) == 0:
                    self._become(listening)
                return pid
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become(self, listening: socket.socket) -> NoReturn:
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            reader, writer = self._lifeline
            os.close(writer)
            os.environ[lifeline.VARIABLE] = str(reader)
            lifeline.hold()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            embedded.hold_after_fork()
            process_metrics.share(self._counters)
            self._serve(listening)
            code = 0
        except CommandError as reason:
            print(reason, file=sys.stderr)
        except Exception:
            traceback.print_exc()
        finally:
            # What comes next is the parent's to do.
            os._exit(code)

    def _reap(self) -> list[tuple[_Place, int]]:
        """Reap what has ended; return each place that is free then, with the exit code."""
        free = []
        for place in self._places:
            if place.pid and (ended := os.waitpid(place.pid, os.WNOHANG))[0]:
                _forget_gauges(place.pid, self._counters)
                place.pid = 0
                free.append((place, os.waitstatus_to_exitcode(ended[1])))
        return free

    def _end_all(self, received: _Received) -> None:
        deadline = time.monotonic() + PATIENCE
        self._signal(signal.SIGTERM)
        while True:
            self._reap()
            if not any(place.pid for place in self._places):
                return
            left = deadline - time.monotonic()
            if left <= 0:
                self._signal(signal.SIGKILL)
            received(left if left > 0 else None)

    def _signal(self, number: int) -> None:
        for place in self._places:
            if place.pid:
                os.kill(place.pid, number)

    def _bound(self, *, shares: bool) -> socket.socket:
        family, kind, _, _, address = self._address
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shares:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound


@contextmanager
def _directory() -> Iterator[str]:
    """Make a directory that goes with the block; a TemporaryDirectory would go when a fork exits."""
    path = tempfile.mkdtemp(prefix="agentforge-web-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Give both ends of a pipe; the writing one, which only this process holds, closes however it ends."""
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def _signals() -> Iterator[_Received]:
    """Collect signals, and give the function that waits for them."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def received(seconds: float | None) -> set[int]:
        select.select([reader], [], [], seconds)
        with suppress(BlockingIOError):
            return set(os.read(reader, 4096))
        return set()

    try:
        yield received
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
