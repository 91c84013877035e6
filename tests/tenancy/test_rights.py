"""An ordinary role of somebody else's server: everything that it lacks is said at once, with the remedy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from agentforge.tenancy import embedded
from agentforge.tenancy.roles import ROLES
from tests.drivers.forge import ROOT

GUIDE = ROOT / "docs" / "operations" / "database.md"


@pytest.fixture(scope="module")
def server() -> Iterator[embedded.PrivateServer]:
    """A server that knows nothing of the forge."""
    root = Path(tempfile.mkdtemp(prefix="agentforge-test-"))
    server = embedded.start(root / "postgres")
    yield server
    server.cleanup()
    shutil.rmtree(root, ignore_errors=True)


def _migrate(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_all_that_is_missing_is_named_at_once_and_mends_it(server: embedded.PrivateServer) -> None:
    admin = server.get_uri()
    _run(admin, "CREATE ROLE poor LOGIN", "CREATE DATABASE poor", "CREATE ROLE anon NOLOGIN NOINHERIT")
    url = make_conninfo(admin, dbname="poor", user="poor")
    refused = _migrate(url)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    statements = re.findall(r"^    (\w.*;)$", refused.stderr, re.MULTILINE)
    assert statements == [
        'CREATE ROLE authenticated NOLOGIN NOINHERIT ROLE "poor";',
        'CREATE ROLE service_role NOLOGIN NOINHERIT ROLE "poor";',
        'GRANT anon TO "poor";',
        'CREATE SCHEMA "agentforge" AUTHORIZATION "poor";',
        'CREATE SCHEMA auth AUTHORIZATION "poor";',
    ]
    _run(make_conninfo(admin, dbname="poor"), *statements)
    done = _migrate(url)
    assert done.returncode == 0, done.stderr
    assert _migrate(url).returncode == 0
    own = make_conninfo(admin, dbname="poor")
    _run(own, *(f"DROP OWNED BY {role}" for role in ROLES))


def test_the_statements_of_the_guide_are_enough(server: embedded.PrivateServer) -> None:
    (block,) = re.findall(r"```sql\n(CREATE ROLE forge.*?)```", GUIDE.read_text(), re.DOTALL)
    admin = server.get_uri()
    _run(
        admin,
        "DROP DATABASE IF EXISTS poor WITH (FORCE)",
        *(f"DROP ROLE IF EXISTS {name}" for name in ROLES),
    )
    _run(admin, *filter(None, (line.strip() for line in block.splitlines())))
    done = _migrate(make_conninfo(admin, dbname="forge", user="forge"))
    assert done.returncode == 0, done.stderr
