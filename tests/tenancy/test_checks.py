from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from agentforge.tenancy import exposure
from agentforge.tenancy.checks import check_row_level_security

pytestmark = pytest.mark.django_db


def problems() -> list[str]:
    return [f"{found.id} {found.msg.split()[1]}" for found in check_row_level_security(None, ["default"])]


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
    assert "tenancy.E001 live_stream" in problems()
    with pytest.raises(CommandError, match=r"EnableRowLevelSecurity\(\"live_stream\"\)"):
        call_command("check", databases=["default"])


@pytest.mark.parametrize("role", ["anon", "authenticated", "PUBLIC"])
def test_a_table_open_to_the_api_is_found_and_closed(role: str) -> None:
    # As a Supabase project's default privileges do it.
    execute(f"GRANT ALL ON procrastinate_jobs TO {role}")
    execute(f"GRANT SELECT (session_data) ON django_session TO {role}")
    assert problems() == ["tenancy.E002 django_session", "tenancy.E002 procrastinate_jobs"]
    exposure.close_tables("default")
    assert problems() == []
