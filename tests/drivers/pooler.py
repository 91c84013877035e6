"""Run PgBouncer in front of a PostgreSQL server that listens on a Unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .absence import absent
from .log_lines import LogLines
from .ports import free_port

# Debian keeps it where only root's PATH leads.
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class Pooler:
    """One PgBouncer; `url` leads through it to the database of another URL."""

    def __init__(self, url: str, mode: str, *, size: int = 15) -> None:
        if PROGRAM is None:
            absent("needs pgbouncer: apt-get install pgbouncer")
        self._program = PROGRAM
        place = conninfo_to_dict(url)
        self.port = free_port()
        self.url = make_conninfo(
            host="127.0.0.1", port=self.port, user=place["user"], dbname=place["dbname"], password="unused"
        )
        self._host = str(place["host"])
        self._mode, self._size, self._user = mode, size, str(place["user"])

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="agentforge-pooler-"))
        # The server's socket lets in only the user whom it belongs to, and PgBouncer refuses to run as root.
        owner = Path(self._host).stat()
        os.chown(self._directory, owner.st_uid, owner.st_gid)
        users = self._directory / "users"
        users.write_text(f'"{self._user}" ""\n')
        users.chmod(0o644)
        configuration = self._directory / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\n* = host={self._host}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
            f"pool_mode = {self._mode}\ndefault_pool_size = {self._size}\n"
        )
        configuration.chmod(0o644)
        self._process = subprocess.Popen(
            [self._program, configuration],
            user=owner.st_uid if os.geteuid() == 0 else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._log = LogLines(self._process.stderr)
        lines = []
        for line in self._log:
            lines.append(line)
            if "process up" in line:
                return self
        raise AssertionError("".join(lines))

    def __exit__(self, *failure: object) -> None:
        # At once: SIGTERM is a shutdown without waiting for clients up to version 1.22, and waits since.
        self._process.kill()
        self._process.wait(60)
        self._log.close()
        shutil.rmtree(self._directory)
