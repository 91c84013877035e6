"""What passes privileges by is named and closed as well: policies, views, and default privileges."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from .supabase_project import drop_project, make_project, manage

# One worker makes the roles, which belong to the whole server.
pytestmark = pytest.mark.xdist_group("supabase_database")

POLICIES = """
SELECT c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid), p.polpermissive, p.polroles, p.polcmd,
    c.relforcerowsecurity
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid ORDER BY 1, 2
"""
# The name in the report, and what opens it.
OPENINGS = [
    (
        "table configs_apikey: policy everybody ",
        "CREATE POLICY everybody ON configs_apikey FOR SELECT USING (true)",
    ),
    (
        "table builds_build: policy owner_select ",
        "ALTER POLICY owner_select ON builds_build USING (true)",
    ),
    (
        "table live_chunk: policy owner_select ",
        "ALTER POLICY owner_select ON live_chunk USING (stream_id IN (SELECT name FROM live_stream)"
        " OR auth.uid() IS NOT NULL)",
    ),
    (
        "table accounts_signin: policy more ",
        "CREATE POLICY more ON accounts_signin TO anon USING (true); GRANT SELECT ON accounts_signin TO anon",
    ),
    ("table configs_revision: policy forge ", "ALTER POLICY forge ON configs_revision TO PUBLIC"),
    ("table builds_artifact: no policy owner_select", "DROP POLICY owner_select ON builds_artifact"),
    (
        "table builds_build: row level security is not forced",
        "ALTER TABLE builds_build NO FORCE ROW LEVEL SECURITY",
    ),
    (
        "view public.leak: open to anon, authenticated",
        "CREATE VIEW public.leak AS SELECT * FROM accounts_user",
    ),
    (
        "view public.far: open to anon, authenticated",
        "CREATE VIEW near AS SELECT * FROM accounts_user; CREATE VIEW public.far AS SELECT * FROM near",
    ),
    (
        "materialized view public.kept: open to anon, authenticated",
        "CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM accounts_user",
    ),
    (
        "view own: open to anon",
        "CREATE VIEW own AS SELECT 1 AS one; GRANT SELECT (one) ON own TO anon",
    ),
    (
        "schema agentforge: open to anon, authenticated (CREATE)",
        "GRANT CREATE ON SCHEMA agentforge TO PUBLIC",
    ),
    (
        "schema agentforge: new tables of ",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA agentforge GRANT ALL ON TABLES TO anon",
    ),
    (
        "schema agentforge: new functions of ",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA agentforge GRANT ALL ON FUNCTIONS TO PUBLIC",
    ),
]


@pytest.fixture(scope="module")
def project() -> Iterator[str]:
    name = f"openings_{os.getpid()}"
    url = make_project(name)
    done = manage(url, "migrate")
    assert done.returncode == 0, done.stdout + done.stderr
    yield url
    drop_project(name)


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = agentforge")
        connection.execute(statements.encode())


def policies(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(POLICIES).fetchall()


def test_openings_are_named_and_closed(project: str) -> None:
    before = policies(project)
    for _, statements in OPENINGS:
        execute(project, statements)
    checked = manage(project, "check", "--database", "default")
    assert checked.returncode == 1
    closed = manage(project, "secure_database")
    assert closed.returncode == 0, closed.stderr
    for name, _ in OPENINGS:
        assert name in checked.stderr
        assert name in closed.stdout
    assert policies(project) == before


def test_views_of_others_and_restrictive_policies_are_left_alone(project: str) -> None:
    execute(project, "CREATE VIEW public.theirs AS SELECT * FROM public.their_own")
    execute(
        project, "CREATE POLICY less ON builds_build AS RESTRICTIVE FOR SELECT TO authenticated USING (true)"
    )
    execute(project, "CREATE VIEW public.mine WITH (security_invoker = true) AS SELECT * FROM builds_build")
    assert "Nothing is open." in manage(project, "secure_database").stdout
    execute(project, "DROP POLICY less ON builds_build; DROP VIEW public.mine, public.theirs")


def test_a_stranger_sees_nothing_after_a_policy_for_everybody(project: str) -> None:
    execute(project, "CREATE POLICY everybody ON django_migrations USING (true)")
    execute(project, "GRANT SELECT ON django_migrations TO authenticated")
    assert manage(project, "migrate").returncode == 0
    with psycopg.connect(project) as connection:
        claims = json.dumps({"sub": str(uuid4()), "role": "authenticated"})
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [claims])
        connection.execute("SET LOCAL ROLE authenticated")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM agentforge.django_migrations")
