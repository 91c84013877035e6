"""A new installation has a schema of its own; one in `public` stays there until a command moves it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.drivers.database import connected
from tests.drivers.web_process import WebProcess

from .supabase_project import BINARIES, ROLE, column, drop_project, make_project, manage

# Another Django project, whose tables have the names of ours, open to the API as its owner wants.
OTHER_PROJECT = """
CREATE TABLE public.django_migrations (id serial, app text, name text, applied timestamptz);
INSERT INTO public.django_migrations (app, name) VALUES ('sessions', '0001_initial'), ('blog', '0001');
CREATE TABLE public.django_session (session_key text, session_data text, expire_date timestamptz);
GRANT SELECT ON public.django_session TO anon;
"""
ANON_READS_THEIRS = "SELECT has_table_privilege('anon', 'public.django_session', 'SELECT')"
IN_SCHEMA = """
SELECT relname FROM pg_class WHERE relnamespace = '{0}'::regnamespace AND relkind IN ('r', 'S')
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = '{0}'::regnamespace
UNION ALL SELECT typname FROM pg_type WHERE typnamespace = '{0}'::regnamespace AND typtype = 'e'
"""
OPEN_TO_ANON = """
SELECT relname FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace AND relkind = 'r'
  AND (NOT relrowsecurity OR has_table_privilege('anon', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'))
UNION ALL
SELECT proname FROM pg_proc WHERE pronamespace = 'agentforge'::regnamespace
  AND (has_function_privilege('anon', oid, 'EXECUTE')
       OR NOT 'search_path=agentforge, pg_temp' = ANY(coalesce(proconfig, '{}')))
"""
# A job goes through procrastinate's own functions and triggers, as a request enqueues. One process does all:
# its start takes longer than what it does.
AS_AN_OPERATOR = """
from django.core.management import call_command
from procrastinate.contrib.django import app
print("job", app.configure_task("nobody", allow_unknown=True).defer())
call_command("check", databases=["default"])
call_command("migrate", plan=True)
"""


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"schema_{os.getpid()}"
    yield make_project(name)
    for each in (name, f"{name}_restored"):
        drop_project(each)


def run(url: str, *arguments: str, **environment: str) -> str:
    done = manage(url, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(url: str, *arguments: str, **environment: str) -> str:
    done = manage(url, *arguments, **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


def in_schema(url: str, schema: str) -> list[str]:
    return column(url, IN_SCHEMA.format(schema))


def sign_up(url: str) -> None:
    """Sign up and look at one's agents: rows are written as the forge and read as the person."""
    with httpx.Client(base_url=url, follow_redirects=True) as browser:
        browser.get("/sign-up/")
        person = {"email": f"{uuid4()}@example.com", "password": "a long enough sentence"}
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/sign-up/", data={**person, **token}).status_code == 200
        assert browser.get("/accounts/").url.path == "/accounts/"


def assert_it_works(url: str) -> None:
    """Do what a start, a visitor, a request that enqueues, and an operator do."""
    with WebProcess(DATABASE_URL=url) as web:
        sign_up(web.url)
        assert httpx.get(f"{web.url}/readyz").json()["checks"]["migrations"]["state"] == "ok"
    output = run(url, "shell", "-v", "0", "-c", AS_AN_OPERATOR)
    assert output.startswith("job ")
    assert "No planned migration operations" in output


def test_a_new_installation_has_a_schema_of_its_own_beside_another_project(
    project: str, tmp_path: Path
) -> None:
    execute(project, OTHER_PROJECT)
    before = in_schema(project, "public")
    assert "0001_roles" in run(project, "migrate", "--plan")
    assert not column(project, "SELECT nspname FROM pg_namespace WHERE nspname = 'agentforge'")
    run(project, "migrate")
    assert in_schema(project, "public") == before
    assert "configs_agentconfig" in in_schema(project, "agentforge")
    assert column(project, ANON_READS_THEIRS) == ["True"]
    assert column(project, OPEN_TO_ANON) == []
    assert_it_works(project)
    assert in_schema(project, "public") == before
    # Restored as docs/supabase.md says: without privileges, which migrate brings back.
    dump = tmp_path / "dump.sql"
    saving = ["-n", "agentforge", "--no-owner", "--no-privileges", "-f", str(dump), project]
    subprocess.run([BINARIES / "pg_dump", *saving], check=True, capture_output=True)
    restored = make_project(f"schema_{os.getpid()}_restored")
    restoring = ["-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump), restored]
    subprocess.run([BINARIES / "psql", *restoring], check=True, capture_output=True)
    assert "schema agentforge: not usable by anon, authenticated, service_role" in run(restored, "migrate")
    assert column(restored, OPEN_TO_ANON) == []
    assert_it_works(restored)


def test_an_installation_in_public_goes_on_and_moves_when_told(project: str) -> None:
    before = in_schema(project, "public")
    run(project, "migrate", DATABASE_SCHEMA="public")
    ours = sorted(set(in_schema(project, "public")) - set(before))
    run(project, "migrate")
    assert not column(project, "SELECT nspname FROM pg_namespace WHERE nspname = 'agentforge'")
    assert_it_works(project)

    planned = run(project, "move_to_schema")
    assert 'ALTER TABLE accounts_user SET SCHEMA "agentforge";' in planned
    assert "their_own" not in planned
    with WebProcess(DATABASE_URL=project) as web:
        assert httpx.get(f"{web.url}/healthz").status_code == 200
        assert "Stop the forge on every machine first" in refused(project, "move_to_schema", "--yes")
    assert sorted(set(in_schema(project, "public")) - set(before)) == ours

    execute(project, "GRANT ALL ON accounts_localidentity TO anon")
    run(project, "move_to_schema", "--yes")
    assert in_schema(project, "public") == before
    assert in_schema(project, "agentforge") == ours
    assert column(project, OPEN_TO_ANON) == []
    assert_it_works(project)
    assert "already" in run(project, "move_to_schema", "--yes")


def test_a_path_in_the_url_counts(project: str) -> None:
    execute(project, "CREATE SCHEMA theirs")
    url = make_conninfo(project, options="-c search_path=theirs")
    run(url, "migrate")
    assert "configs_agentconfig" in in_schema(project, "theirs")
    assert not column(project, "SELECT nspname FROM pg_namespace WHERE nspname = 'agentforge'")
    assert "search_path" in refused(url, "move_to_schema")


def test_a_schema_that_is_not_the_forges_is_refused(project: str) -> None:
    execute(
        project, "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int); GRANT ALL ON shop.orders TO anon"
    )
    assert "tables of another program (orders)" in refused(project, "migrate", DATABASE_SCHEMA="shop")
    assert column(project, "SELECT has_table_privilege('anon', 'shop.orders', 'DELETE')") == ["True"]
    assert "belongs to Supabase" in manage(project, "migrate", DATABASE_SCHEMA="auth").stderr
    assert column(project, "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace") == []


def test_a_role_that_may_make_no_schema_is_told_what_to_run(project: str) -> None:
    with psycopg.connect(os.environ["SUPERUSER_URL"], autocommit=True) as connection:
        name = f"schema_{os.getpid()}"
        connection.execute(f"REVOKE CREATE ON DATABASE {name} FROM {ROLE}".encode())
    message = refused(project, "migrate")
    assert f'CREATE SCHEMA "agentforge" AUTHORIZATION "{ROLE}";' in message
    with psycopg.connect(os.environ["SUPERUSER_URL"], dbname=name, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "agentforge" AUTHORIZATION "{ROLE}"'.encode())
    run(project, "migrate")


def test_a_url_that_cannot_be_read_does_not_show_its_password(project: str) -> None:
    url = "postgresql://forge:pass%wrong@localhost/x"
    done = manage(url, "check")
    assert "DATABASE_URL is not a PostgreSQL URL" in done.stderr
    assert "%wrong" not in done.stderr


def test_a_start_before_the_first_migrate_touches_nothing_and_finds_it_later(project: str) -> None:
    execute(project, OTHER_PROJECT)
    with WebProcess(DATABASE_URL=project) as web:
        assert httpx.get(f"{web.url}/healthz").status_code == 200
        assert column(project, ANON_READS_THEIRS) == ["True"]
        run(project, "migrate")
        sign_up(web.url)
    with connected(project) as connection:
        assert connection.execute("SELECT current_schema()").fetchone() == ("agentforge",)
