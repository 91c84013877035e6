"""Move an installation from the schema that it has, usually `public`, into one of its own."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .exposure import secure
from .installation import create_schema
from .search_path import has_forge

# Indexes, triggers, policies and the columns' own sequences go with their tables.
_TABLES = r"""
SELECT 'TABLE', c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND (c.relname = ANY(%(tables)s) OR c.relname LIKE 'procrastinate\_%%')
ORDER BY 2
"""
_TYPES = r"""
SELECT 'TYPE', t.oid::regtype::text FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = current_schema()::regnamespace AND t.typname LIKE 'procrastinate\_%%'
  AND (t.typtype = 'e' OR c.relkind = 'c')
ORDER BY 2
"""
_FUNCTIONS = """
SELECT 'FUNCTION', f.oid::regprocedure::text FROM pg_proc f
WHERE f.pronamespace = current_schema()::regnamespace AND f.prokind = 'f' AND f.proname ~ %(prefixes)s
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e')
ORDER BY 2
"""
# Those of the forge, and those without a name, as older versions connected.
_OTHER_SESSIONS = """
SELECT format('process %s (%s, from %s)', pid, coalesce(nullif(application_name, ''), 'no name'),
    coalesce(host(client_addr), 'this machine'))
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND (application_name LIKE 'agentforge%' OR application_name = '')
ORDER BY pid
"""
_PATIENCE = 3.0  # seconds


class CannotMove(Exception):
    """The installation stays where it is; `str()` tells an operator why, and what to do."""


def pending_statements(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the statements that move everything of the forge into DATABASE_SCHEMA; none if it is there.

    Raises CannotMove where there is nothing to move, or no schema to move it to.
    """
    schema = connection.settings_dict["SCHEMA"]
    if not schema:
        raise CannotMove("DATABASE_URL sets a search_path. Take it out, so that DATABASE_SCHEMA counts.")
    tables = [*connection.introspection.django_table_names(), "django_migrations"]
    apps = {name.partition("_")[0] for name in tables} | {"procrastinate"}
    values: dict[str, Any] = {"tables": tables, "prefixes": f"^({'|'.join(sorted(apps))})_"}
    with connection.cursor() as cursor:
        if not has_forge(cursor):
            raise CannotMove("This database has no installation yet: run migrate, which makes one.")
        cursor.execute("SELECT current_schema()")
        if cursor.fetchone()[0] == schema:
            return []
        objects: list[tuple[str, str]] = []
        # Functions first: their signatures name types, which are found only before they move.
        for query in (_FUNCTIONS, _TABLES, _TYPES):
            cursor.execute(query, values)
            objects += cursor.fetchall()
    target = connection.ops.quote_name(schema)
    return [f"ALTER {kind} {name} SET SCHEMA {target}" for kind, name in objects]


def move(connection: BaseDatabaseWrapper) -> None:
    """Move the installation and close it there, in one transaction.

    Raises CannotMove while other processes of the forge are connected, and SchemaUnusable.
    """
    statements = pending_statements(connection)
    schema = connection.settings_dict["SCHEMA"]
    if sessions := other_sessions(connection):
        raise CannotMove(
            "Stop the forge on every machine first, workers too. Nothing was moved. "
            f"Connected are: {', '.join(sessions)}."
        )
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        create_schema(connection, schema)
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SELECT set_config('search_path', quote_ident(%s), false)", [schema])
        secure(connection)


def other_sessions(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the forge's other connections; the server takes a moment to notice those that just ended."""
    deadline = time.monotonic() + _PATIENCE
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_OTHER_SESSIONS)
            sessions = [name for (name,) in cursor.fetchall()]
            if not sessions or time.monotonic() > deadline:
                return sessions
            cursor.execute("SELECT pg_sleep(0.1)")
