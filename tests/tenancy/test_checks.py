from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from agentforge.tenancy.checks import check_row_level_security

pytestmark = pytest.mark.django_db


def problems() -> list[str]:
    return [f"{found.id} {found.msg}" for found in check_row_level_security(None, ["default"])]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_migrated_database_is_clean() -> None:
    assert problems() == []
    call_command("check", databases=["default"])


@pytest.mark.parametrize(
    "sql",
    [
        "DROP POLICY owner_select ON live_stream",
        "ALTER TABLE live_stream NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE live_stream DISABLE ROW LEVEL SECURITY",
    ],
)
def test_an_owned_table_without_protection_fails_the_check(sql: str) -> None:
    execute(sql)
    assert any(problem.startswith("tenancy.E001 Table live_stream") for problem in problems())
    with pytest.raises(CommandError, match=r"EnableRowLevelSecurity\(\"live_stream\"\)"):
        call_command("check", databases=["default"])


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_a_table_open_to_the_api_is_found_and_closed(role: str) -> None:
    execute(f"GRANT ALL ON procrastinate_jobs TO {role}")
    execute(f"GRANT SELECT (session_data) ON django_session TO {role}")
    session, jobs = problems()
    assert session == f"tenancy.E002 In the database, table django_session: open to {role} (SELECT)."
    assert jobs.startswith(
        f"tenancy.E002 In the database, table procrastinate_jobs: open to {role} (DELETE, "
    )
    with pytest.raises(CommandError, match="secure_database"):
        call_command("check", databases=["default"])
    call_command("secure_database", dry_run=True)
    assert problems() == [session, jobs]
    call_command("secure_database")
    assert problems() == []


def test_what_everybody_may_do_is_open_too() -> None:
    execute("GRANT SELECT ON procrastinate_jobs TO PUBLIC")
    [problem] = problems()
    assert problem.endswith("table procrastinate_jobs: open to anon (SELECT), authenticated (SELECT).")


def test_what_a_migration_makes_is_closed_before_it_commits() -> None:
    execute("ALTER DEFAULT PRIVILEGES IN SCHEMA agentforge GRANT ALL ON TABLES TO anon")
    with connection.schema_editor() as editor:
        editor.execute("CREATE TABLE procrastinate_new (id serial)")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity, has_table_privilege('anon', oid, 'SELECT') FROM pg_class"
            " WHERE oid = 'procrastinate_new'::regclass"
        )
        assert cursor.fetchone() == (True, False)
