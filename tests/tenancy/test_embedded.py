"""Start private servers under circumstances that are not the best."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agentforge.tenancy import embedded

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def server(tmp_path: Path) -> Iterator[embedded.PrivateServer]:
    # 150 letters: PostgreSQL's socket could not lie there, for the system allows about 100.
    server = embedded.start(tmp_path / ("long" * 38) / "postgres")
    yield server
    server.cleanup()


def test_a_long_path_works_and_the_socket_is_closed_to_others(server: embedded.PrivateServer) -> None:
    with psycopg.connect(server.get_uri()) as connection:
        row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    assert row is not None
    assert row[0] >= 200
    socket = server.get_postmaster_info().socket_path
    assert socket is not None
    # The server trusts who can connect, so only its own user (and root) may.
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def test_a_server_that_does_not_start_says_why_without_a_traceback(tmp_path: Path) -> None:
    broken = tmp_path / "var"
    embedded.start(broken / "postgres").cleanup()
    with (broken / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("\nno_such_setting = 1\n")
    with pytest.raises(embedded.DidNotStart, match="no_such_setting"):
        embedded.start(broken / "postgres")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**environment, "AGENTFORGE_VAR": str(broken)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The private PostgreSQL server did not start." in done.stderr
    assert "no_such_setting" in done.stderr
    assert "Traceback" not in done.stderr
