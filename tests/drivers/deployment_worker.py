"""Run a real worker for deployments on the database of this test run: a process, or a thread of this one."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from django.conf import settings
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from .log_lines import LogLines
from .tied import tied
from .web_process import ROOT, environment

# As many deployments as a test holds back at once, each with a connection.
_AT_ONCE = 16


class WorkerProcess:
    """One `manage.py procrastinate worker` that uses the stand-in of this test."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "procrastinate",
                "worker",
                "--queues",
                "deployments",
                "--concurrency",
                str(_AT_ONCE),
                "--shutdown-graceful-timeout",
                "0.5",
            ],
            cwd=ROOT,
            **tied(
                environment(
                    AGENTFORGE_NETLIFY_URL=settings.AGENTFORGE_NETLIFY_URL,
                    AGENTFORGE_ALLOWED_HOSTS=",".join(settings.AGENTFORGE_ALLOWED_HOSTS),
                    AGENTFORGE_SITES_DIR=str(settings.AGENTFORGE_SITES_DIR),
                    LOCAL_MODEL_URL=settings.LOCAL_MODEL_URL,
                    MOST_RUNNING_DEPLOYMENTS=str(settings.MOST_RUNNING_DEPLOYMENTS),
                    DATABASE_POOL=str(2 * _AT_ONCE),
                )
            ),
            stderr=subprocess.PIPE,
            text=True,
        )
        self._log = LogLines(self._process.stderr)
        return self

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._end()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Keep it from doing anything during the block."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def ask_to_stop(self, running: int) -> None:
        """Ask it to end, and return when this many deployments are stopping."""
        self._process.terminate()
        for line in self._log:
            running -= "Stopping deployment" in line
            if not running:
                return
        raise AssertionError(f"It ended before {running} deployments were stopped.")

    def wait(self) -> None:
        """Wait until it has ended by itself."""
        self._end()

    def _end(self) -> None:
        self._process.wait(timeout=60)
        self._log.close()

    def __exit__(self, *error: object) -> None:
        self.kill()


class WorkerThread:
    """A worker in this process: it is fast, and it can only be asked to stop."""

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait()
        return self

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._work())

    async def _work(self) -> None:
        assert isinstance(app.connector, DjangoConnector)
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._ready.set()
        with app.replace_connector(app.connector.get_worker_connector()):
            async with app.open_async():
                await app.run_worker_async(
                    queues=["deployments"], install_signal_handlers=False, concurrency=_AT_ONCE
                )

    def __exit__(self, *error: object) -> None:
        """Ask it to end, and wait until what it does is done."""
        assert self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(60)
