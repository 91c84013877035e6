"""An installation from before, in the schema `public` of a Supabase project: it stays there, closed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.drivers.web_process import WebProcess

from .supabase_project import BINARIES, column, drop_project, make_project, manage

# One worker makes the roles, which belong to the whole server.
pytestmark = pytest.mark.xdist_group("supabase_database")

# What Supabase's linter calls errors and warnings of tables and functions, in SQL of our own.
LINT = """
SELECT 'no row level security: ' || relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity
  AND relname <> 'their_own'
UNION ALL
SELECT 'mutable search_path: ' || proname FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c LIKE 'search_path=%')
"""
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
OPEN_TABLES = """
SELECT relname FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS verb
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'their_own'
  AND has_table_privilege('anon', oid, verb)
"""
OPEN_SEQUENCES = """
SELECT q.relname FROM pg_class q, pg_roles r
WHERE q.relnamespace = 'public'::regnamespace AND q.relkind = 'S' AND r.rolname IN ('anon', 'authenticated')
  AND has_sequence_privilege(r.oid, q.oid, 'USAGE, SELECT, UPDATE')
"""
OPEN_FUNCTIONS = """
SELECT proname FROM pg_proc, pg_roles r
WHERE pronamespace = 'public'::regnamespace AND r.rolname IN ('anon', 'authenticated')
  AND has_function_privilege(r.oid, pg_proc.oid, 'EXECUTE')
"""
USERS_GRANTS = """
SELECT c.relname || ' ' || p.verb
FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(verb)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'their_own'
  AND has_table_privilege('authenticated', c.oid, p.verb)
"""


def opened(url: str) -> list[str]:
    return [
        name for query in (OPEN_TABLES, OPEN_SEQUENCES, OPEN_FUNCTIONS, LINT) for name in column(url, query)
    ]


@pytest.fixture(scope="module")
def project() -> Iterator[str]:
    """A Supabase-shaped database after its first migrate into `public`."""
    name = f"project_{os.getpid()}"
    url = make_project(name)
    done = manage(url, "migrate", DATABASE_SCHEMA="public")
    assert done.returncode == 0, done.stdout + done.stderr
    yield url
    for each in (name, f"{name}_restored"):
        drop_project(each)


def test_the_public_key_reaches_nothing_after_the_first_migrate(project: str) -> None:
    assert opened(project) == []
    tables = column(
        project, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    assert len(tables) > 40
    with psycopg.connect(project) as connection:
        connection.execute("SET ROLE anon")
        for table in tables:
            if table == "their_own":
                continue
            for statement in ("SELECT * FROM {}", "DELETE FROM {}", "TRUNCATE {}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT audit_prune(now())")


def test_what_is_not_the_forges_is_left_alone(project: str) -> None:
    with psycopg.connect(project) as connection:
        connection.execute("SET ROLE anon")
        connection.execute("INSERT INTO their_own VALUES (1)")
        connection.rollback()


def test_migrate_and_check_pass_a_second_time(project: str) -> None:
    for command in (["migrate"], ["check", "--database", "default"]):
        done = manage(project, *command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("mend", ["migrate", "secure_database"])
def test_a_hostile_grant_is_named_and_closed(project: str, mend: str) -> None:
    before = column(project, USERS_GRANTS)
    with psycopg.connect(project) as connection:
        for objects in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            connection.execute(f"GRANT ALL ON ALL {objects} IN SCHEMA public TO anon, authenticated".encode())
        connection.execute("ALTER TABLE django_session DISABLE ROW LEVEL SECURITY")
    assert opened(project)
    checked = manage(project, "check", "--database", "default")
    assert checked.returncode == 1
    for words in (
        "table accounts_localidentity: open to anon (",
        "table django_session: no row level security",
    ):
        assert words in checked.stderr
    done = manage(project, mend)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "table accounts_localidentity: open to anon (" in done.stdout
    assert opened(project) == []
    assert column(project, USERS_GRANTS) == before


@pytest.mark.parametrize("option", ["--plan", "--check"])
def test_a_look_at_the_migrations_changes_nothing(project: str, option: str) -> None:
    with psycopg.connect(project) as connection:
        connection.execute("GRANT SELECT ON django_session TO anon")
    manage(project, "migrate", option, "--skip-checks")
    assert opened(project) == ["django_session"]
    manage(project, "secure_database")
    assert opened(project) == []


def test_a_start_closes_what_was_opened_since(project: str) -> None:
    with psycopg.connect(project) as connection:
        connection.execute("GRANT ALL ON accounts_localidentity TO anon")
    with WebProcess(DATABASE_URL=project):
        assert opened(project) == []


def test_a_restored_dump_is_closed_again(project: str, tmp_path: Path) -> None:
    before = column(project, USERS_GRANTS)
    dump = tmp_path / "dump.sql"
    done = subprocess.run(
        [BINARIES / "pg_dump", "-n", "public", "-T", "their_own", "-f", dump, project],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    restored = make_project(f"{conninfo_to_dict(project)['dbname']}_restored")
    done = subprocess.run(
        [BINARIES / "psql", "-q", "-f", dump, restored], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert opened(restored)
    done = manage(restored, "migrate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert opened(restored) == []
    assert column(restored, USERS_GRANTS) == before
