"""Run a real builder: the same code with AGENTFORGE_ROLE=builder, on a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from django.db import connection
from psycopg.conninfo import make_conninfo

from agentforge.live.connections import connect
from tests.drivers.database import connected
from tests.drivers.ports import free_port
from tests.drivers.tied import tied
from tests.drivers.web_process import ROOT

SECRET = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
DATABASE = "a_builder"


def conninfo() -> str:
    given = connection.get_connection_params()
    place = {key: given[key] for key in ("host", "port", "user", "password") if key in given}
    return make_conninfo(**place, dbname=f"{DATABASE}_{given['dbname']}")


class BuilderProcess:
    """A builder's web server and worker; they keep their port and database across restarts."""

    def __init__(self, var: Path, forge_url: str, **settings: str) -> None:
        self.port = free_port()
        self.var = var
        self._environment = {
            **os.environ,
            "AGENTFORGE_ROLE": "builder",
            "AGENTFORGE_VAR": str(var),
            "AGENTFORGE_FORGE_URL": forge_url,
            "AGENTFORGE_BUILDER_SECRET": SECRET,
            "DATABASE_URL": conninfo(),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_database(self) -> None:
        """Create and migrate its database."""
        name = f"{DATABASE}_{connection.get_connection_params()['dbname']}"
        with connect() as session:
            if not session.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                session.execute(f'CREATE DATABASE "{name}"')
        self.run("migrate", "--verbosity", "0")

    def run(self, *command: str) -> None:
        """Run a management command of its own."""
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self._environment, check=True, timeout=120
        )

    def start(self) -> Self:
        """Start both processes and return when the server listens."""
        self.web = self._popen("serve", "--port", str(self.port), stdout=subprocess.PIPE)
        self.start_worker()
        assert self.web.stdout is not None
        line = self.web.stdout.readline()
        assert line.startswith("Listening on 127.0.0.1, port "), line
        self.port = int(line.split()[-1])
        return self

    def start_worker(self) -> None:
        # As in the Procfile: running jobs are handed over instead of waited for.
        self.worker = self._popen(
            "procrastinate", "worker", "--concurrency", "4", "--shutdown-graceful-timeout", "5"
        )

    def _popen(self, *command: str, stdout: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            **tied(self._environment),
            stdout=stdout,
            text=True,
        )

    def kill_worker(self) -> None:
        """Kill the worker with SIGKILL, and make it count as dead at once."""
        self.worker.kill()
        self.worker.wait(30)
        self.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")

    def kill(self) -> None:
        """Kill both processes with SIGKILL."""
        self.web.kill()
        self.web.wait(30)
        if self.web.stdout is not None:
            self.web.stdout.close()
        self.kill_worker()

    def execute(self, statement: str) -> None:
        with connected(conninfo()) as session:
            session.execute(statement)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with connected(conninfo()) as session:
            return session.execute(query).fetchall()

    def restart(self, **settings: str) -> None:
        """Stop it gracefully and start it with other settings."""
        self.stop()
        self._environment |= settings
        self.start()

    def stop(self) -> None:
        for process in (self.web, self.worker):
            if process.poll() is None:
                process.terminate()
        for process in (self.web, self.worker):
            process.wait(120)
        if self.web.stdout is not None:
            self.web.stdout.close()
