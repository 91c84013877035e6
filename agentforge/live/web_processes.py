"""Run several web processes on one port.

Each has a listening socket of its own (SO_REUSEPORT), among which Linux spreads connections evenly; elsewhere
they share one. A process listens when it is ready, and its socket ends with it, so that only processes that
answer get connections.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from prometheus_client import multiprocess

from agentforge import child_environment, lifeline
from agentforge.restarts import LIVES, Restarts
from agentforge.telemetry.process_metrics import SHARED_COUNTERS

logger = logging.getLogger(__name__)

SPREADS = sys.platform == "linux"
PATIENCE = 10.0  # seconds a process gets to end before it is killed
_forget_gauges: Callable[[int, str], None] = multiprocess.mark_process_dead


class WebProcesses:
    """Keeps a number of `manage.py serve` on one port alive until SIGTERM or SIGINT."""

    def __init__(self, host: str, port: int, count: int) -> None:
        """Reserve the port; raises OSError if it is taken. Port 0 takes any free one."""
        self._address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Sockets that share their port would let another forge of this user in.
        with self._bound(shares=False) as alone:
            self._address = (*self._address[:4], alone.getsockname())
        self._reserved = self._bound(shares=SPREADS)
        self._count = count

    def run(self) -> int:
        """Return the exit code: 0 once asked to end, 1 if a process can't be kept running."""
        with (
            self._reserved,
            tempfile.TemporaryDirectory(prefix="agentforge-web-") as counters,
            _pipe() as alive,
        ):
            environment = child_environment.for_programs(
                **{SHARED_COUNTERS: counters, lifeline.VARIABLE: str(alive)}
            )
            return asyncio.run(self._keep_all(alive, environment))

    async def _keep_all(self, alive: int, environment: dict[str, str]) -> int:
        asked = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, asked.set)
        end = asyncio.create_task(asked.wait())
        kept = [asyncio.create_task(self._keep(alive, environment)) for _ in range(self._count)]
        done, _ = await asyncio.wait([end, *kept], return_when=asyncio.FIRST_COMPLETED)
        for task in (end, *kept):
            task.cancel()
        await asyncio.gather(end, *kept, return_exceptions=True)
        return 0 if end in done else 1

    async def _keep(self, alive: int, environment: dict[str, str]) -> None:
        """Run one process, and the next when it dies; return when that is no use."""
        restarts = Restarts()
        while True:
            code = await self._run_one(alive, environment)
            if (pause := restarts.pause()) is None:
                logger.error("A web process ended %s times within a minute (%s last); all end.", LIVES, code)
                return
            logger.warning("A web process ended (%s); starting another one.", code)
            await asyncio.sleep(pause)

    async def _run_one(self, alive: int, environment: dict[str, str]) -> int:
        """Run one process and return its exit code."""
        with self._bound(shares=True) if SPREADS else self._reserved.dup() as listening:
            process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    str(settings.BASE_DIR / "manage.py"),
                    "serve",
                    "--fd",
                    str(listening.fileno()),
                ),
                env=environment,
                pass_fds=[listening.fileno(), alive],
                start_new_session=True,
            )
        try:
            return await process.wait()
        finally:
            await _end(process)
            _forget_gauges(process.pid, environment[SHARED_COUNTERS])

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
def _pipe() -> Iterator[int]:
    """Give the reading end of a pipe, whose other end closes however this process ends."""
    reader, writer = os.pipe()
    try:
        yield reader
    finally:
        os.close(reader)
        os.close(writer)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
