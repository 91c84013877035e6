"""Run a real web process on the database of this test run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Self

from django.db import connection
from psycopg.conninfo import make_conninfo

from . import static_files
from .ports import free_port
from .sse_client import LiveConnection
from .tied import tied

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that works on this test's database."""
    given = connection.get_connection_params()
    place = {key: given[key] for key in ("host", "port", "user", "password", "dbname") if key in given}
    return {**os.environ, "DATABASE_URL": make_conninfo(**place), "PYTHONUNBUFFERED": "1", **more}


class WebProcess:
    """One `manage.py serve`, of one process or of several; started again, it takes its old port."""

    # The file of its log; without one, it goes to the test's own standard error.
    log: Path | None = None

    def __init__(self, processes: int = 1, /, **settings: str) -> None:
        self.port = free_port()
        self._processes = processes
        self._settings = settings

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and return when it listens."""
        if "AGENTFORGE_VAR" not in self._settings:
            static_files.collect()
        with self.log.open("ab") if self.log else nullcontext() as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", "serve"),
                    *("--port", str(self.port), "--processes", str(self._processes)),
                ],
                cwd=ROOT,
                **tied(environment(**self._settings)),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self.output_line()
        assert line.startswith("Listening on 127.0.0.1, port "), line
        self.port = int(line.split()[-1])
        return self

    def output_line(self) -> str:
        """Wait for the next line that it prints; each of its processes says that it listens."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return str(json.loads(line)["message"]) if line.startswith("{") else line

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(timeout=60)

    def follow(
        self,
        headers: dict[str, str],
        *channels: str,
        last_event_id: str = "",
        query: dict[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> LiveConnection:
        """Return a connection to /live/, to be entered."""
        return LiveConnection(self.url, channels, headers, last_event_id, query or {}, receive_buffer)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *failure: object) -> None:
        if self.process.poll() is None:
            self.stop()
