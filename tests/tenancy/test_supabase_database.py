"""An installation from before, in the schema `public` of a Supabase project: it stays there, closed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.drivers import privileges
from tests.drivers.web_process import WebProcess

from .linter import violations
from .supabase_project import BINARIES, column, drop_project, make_project, manage
from .test_privileges import READABLE

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
ROWS_OF_TWO = """
from tests.drivers.people import make_user
from tests.tenancy.rows import rows_of
for name in ("alice", "bob"):
    rows_of(make_user(name))
"""
# What a migration does, in the schema editor that every migration gets.
NEW_TABLE = """
from django.db import connection
with connection.schema_editor() as editor:
    editor.execute("CREATE TABLE procrastinate_new (id serial)")
"""


def opened(url: str) -> list[str]:
    """Return what the catalog says is open, and what Supabase's linter would."""
    found = [name for query in (OPEN_TABLES, OPEN_SEQUENCES, OPEN_FUNCTIONS) for name in column(url, query)]
    with psycopg.connect(url) as connection:
        return found + violations(connection, "public")


def may(url: str, role: str, subject: UUID | None = None) -> set[str]:
    """Return what the role of an API's request gets done, on the forge's tables and columns."""
    with psycopg.connect(url) as connection:
        privileges.use_schema_of_the_forge(connection)
        return {name for name in privileges.allowed(connection, role, subject) if "their_own" not in name}


def assert_closed(url: str) -> None:
    """Check every table, verb and column, as anybody and as a person, and the linter."""
    assert opened(url) == []
    assert may(url, "anon") == set()
    assert may(url, "authenticated", uuid4()) == {f"{table} SELECT" for table in READABLE}


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
    assert_closed(project)
    with psycopg.connect(project) as connection:
        connection.execute("SET ROLE anon")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT audit_prune(now())")


def test_two_people_see_their_own_rows_alone(project: str) -> None:
    done = manage(project, "shell", "-c", ROWS_OF_TWO)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(project) as connection:
        people = connection.execute("SELECT id FROM accounts_user").fetchall()
        assert len(people) == 2
        for (person,) in people:
            claims = json.dumps({"sub": str(person), "role": "authenticated"})
            connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [claims])
            connection.execute("SET LOCAL ROLE authenticated")
            for table in READABLE:
                count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
                assert connection.execute(count).fetchone() == (1,), table
            connection.rollback()


def test_a_table_of_a_later_migration_is_closed(project: str) -> None:
    done = manage(project, "shell", "-c", NEW_TABLE)
    assert done.returncode == 0, done.stderr
    try:
        assert_closed(project)
    finally:
        with psycopg.connect(project) as connection:
            connection.execute("DROP TABLE procrastinate_new")


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        ("rls_disabled_in_public", "ALTER TABLE live_chunk DISABLE ROW LEVEL SECURITY"),
        ("policy_exists_rls_disabled", "ALTER TABLE live_chunk DISABLE ROW LEVEL SECURITY"),
        ("rls_policy_always_true", "CREATE POLICY x ON live_chunk FOR UPDATE TO authenticated USING (true)"),
        ("auth_rls_initplan", "CREATE POLICY x ON builds_build TO anon USING (owner_id = auth.uid())"),
        (
            "multiple_permissive_policies",
            "CREATE POLICY x ON live_chunk FOR SELECT TO authenticated USING (id = 1)",
        ),
        ("security_definer_view", "CREATE VIEW x AS SELECT * FROM live_chunk"),
        (
            "function_search_path_mutable",
            "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ),
        (
            "security_definer_function_executable",
            "CREATE FUNCTION x() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        ),
        ("duplicate_index", "CREATE INDEX x ON configs_revision (agent_id)"),
        ("materialized_view_or_foreign_table_in_api", "CREATE MATERIALIZED VIEW x AS SELECT 1"),
        ("unsupported_reg_types", "CREATE TABLE x (y regproc)"),
    ],
)
def test_the_linters_rules_find_what_they_are_about(project: str, rule: str, harm: str) -> None:
    with psycopg.connect(project) as connection:
        connection.execute(harm.encode())
        assert rule in {found.partition(":")[0] for found in violations(connection, "public")}
        connection.rollback()


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
    assert_closed(project)
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
    assert_closed(restored)
    assert column(restored, USERS_GRANTS) == before
