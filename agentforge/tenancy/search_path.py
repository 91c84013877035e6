"""Find the schema that the forge's tables lie in, and let a connection's statements work there.

A new installation gets a schema of its own, which Supabase's API doesn't serve; an older one stays where it
is. A statement sets the path, not the connection's options, which PgBouncer refuses.
"""

from __future__ import annotations

from typing import Any

import psycopg

DEFAULT_SCHEMA = "agentforge"
# Schemas that a Supabase project or PostgreSQL has for itself, or that its API serves.
RESERVED_SCHEMAS = {
    "auth", "cron", "extensions", "graphql", "graphql_public", "information_schema", "net", "pgbouncer",
    "pgmq", "pgmq_public", "pgsodium", "realtime", "storage", "supabase_functions", "supabase_migrations",
    "topology", "vault",
}  # fmt: skip

# Only a forge has this table.
_LANDMARK = "configs_agentconfig"
_IN_SCHEMA = f"""EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s::text AND c.relname = '{_LANDMARK}' AND c.relkind = 'r'
)"""
_VISIBLE = f"EXISTS (SELECT FROM pg_class WHERE relname = '{_LANDMARK}' AND pg_table_is_visible(oid))"
# Before the first migrate, statements find its schema as soon as it is there.
_CHOOSE = f"""
SELECT set_config('search_path', CASE
    WHEN {_IN_SCHEMA} THEN quote_ident(%(schema)s::text)
    WHEN {_VISIBLE} THEN current_setting('search_path')
    ELSE concat_ws(', ', quote_ident(%(schema)s::text), nullif(current_setting('search_path'), ''))
END, %(local)s)
"""


def use_schema(connection: psycopg.Connection[Any], schema: str) -> None:
    """Let a new connection work in the forge's schema; an empty name keeps the path that it has."""
    if schema:
        connection.execute(_CHOOSE.encode(), {"schema": schema, "local": False})
        connection.commit()


def use_schema_for_now(connection: psycopg.Connection[Any], schema: str) -> None:
    """Do so until the transaction ends: a pooler may lend the connection to other programs."""
    if schema:
        connection.execute(_CHOOSE.encode(), {"schema": schema, "local": True})


async def use_schema_async(connection: psycopg.AsyncConnection[Any], schema: str) -> None:
    """Do what `use_schema` does for an asynchronous connection."""
    if schema:
        await connection.execute(_CHOOSE.encode(), {"schema": schema, "local": False})
        await connection.commit()


def has_forge(cursor: Any) -> bool:
    """Return whether the statements of a cursor's connection find an installation."""
    cursor.execute(f"SELECT {_VISIBLE}")
    return bool(cursor.fetchone()[0])
