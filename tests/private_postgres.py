"""Give a test run its own PostgreSQL server, and each worker its data directory, before Django reads them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from agentforge.tenancy import embedded

_ROOT: Path | None = None


def _start() -> Path:
    root = Path(tempfile.mkdtemp(prefix="agentforge-test-"))
    server = embedded.start(root / "postgres")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Nothing of a test run outlives it, so it need not survive a power cut.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
        # As on a database that somebody else runs: neither superuser nor BYPASSRLS.
        connection.execute("CREATE ROLE forge LOGIN CREATEROLE CREATEDB")
    os.environ["SUPERUSER_URL"] = server.get_uri()
    os.environ["DATABASE_URL"] = server.get_uri().replace("//postgres:", "//forge:")
    os.environ["AGENTFORGE_VAR"] = str(root / "var")
    # Warming Go's cache takes half a minute of both cores: test runs share one.
    shared = Path(tempfile.gettempdir()) / f"agentforge-test-go-{os.getuid()}"
    os.environ.setdefault("AGENTFORGE_GO_DIR", str(shared))
    # Most tests want accounts without an agent; those of the example switch it on.
    os.environ.setdefault("EXAMPLE_AGENT", "0")
    return root


if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # A test of upkeep removes the files that no build of its own database has, and one of a slow compiler
    # takes one of the machine's places: neither is another worker's.
    os.environ["AGENTFORGE_VAR"] += f"-{worker}"
else:
    _ROOT = _start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if _ROOT is not None:
        embedded.start(_ROOT / "postgres").cleanup()
        shutil.rmtree(_ROOT, ignore_errors=True)
