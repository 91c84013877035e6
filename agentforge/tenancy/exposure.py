"""Revoke the privileges of Supabase's API roles on all tables without row level security.

A Supabase project grants `anon` and `authenticated` everything on each new table of its schema, so the tables
of the queue, the sessions and Django would be readable with the public key.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

# Tables without row level security on which an API role has any privilege.
_EXPOSED = """
    SELECT c.relname
    FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relrowsecurity
      AND EXISTS (
        SELECT FROM pg_roles r
        WHERE r.rolname IN ('anon', 'authenticated')
          AND (
            has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
            OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
          )
      )
    ORDER BY c.relname
"""


def exposed_tables(using: str) -> list[str]:
    """Return the tables that anybody could access through Supabase's API."""
    with connections[using].cursor() as cursor:
        cursor.execute(_EXPOSED)
        return [name for (name,) in cursor.fetchall()]


def close_tables(using: str) -> None:
    """Revoke the API roles' privileges on tables without row level security."""
    connection = connections[using]
    names = exposed_tables(using)
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(
                f"REVOKE ALL ON {connection.ops.quote_name(name)} FROM PUBLIC, anon, authenticated"
            )


def close_after_migrate(using: str, **kwargs: Any) -> None:
    close_tables(using)
