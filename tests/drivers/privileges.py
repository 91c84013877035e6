"""Try every verb on every table and column of the forge's schema, as a role of Supabase's API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

import psycopg
from psycopg import sql

# None of them changes a row: privileges are checked before rows are looked for.
BY_TABLE = {
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
    "LOCK": "LOCK TABLE {table} IN ROW EXCLUSIVE MODE",
}
BY_COLUMN = {
    "SELECT": "SELECT {column} FROM {table} LIMIT 0",
    "INSERT": "INSERT INTO {table} ({column}) VALUES (DEFAULT)",
    "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
}
_COLUMNS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES = """
SELECT c.relname || ' ' || verb FROM pg_class c, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS verb
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S'
  AND has_sequence_privilege(%s, c.oid, verb)
"""
_FUNCTIONS = """
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')
"""


def use_schema_of_the_forge(connection: psycopg.Connection) -> None:
    """Look in the schema that the forge's tables lie in."""
    row = connection.execute(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'accounts_user'"
    ).fetchone()
    assert row
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(row[0])))


def columns(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Return the columns of every table and view."""
    return dict(connection.execute(_COLUMNS.encode()).fetchall())


def allowed(connection: psycopg.Connection, role: str, subject: UUID | None = None) -> set[str]:
    """Return what a role may do: `table VERB`, or `table VERB column` where not all columns are alike."""
    tables = columns(connection)
    claims = json.dumps({"role": role, **({"sub": str(subject)} if subject else {})})
    found = set()
    with connection.transaction(force_rollback=True):
        connection.execute(
            "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)", [role, claims]
        )
        for table, names in tables.items():
            for verb, statement in BY_TABLE.items():
                if not _refused(connection, statement, table):
                    found.add(f"{table} {verb}")
            for verb, statement in BY_COLUMN.items():
                may = [name for name in names if not _refused(connection, statement, table, name)]
                found |= {f"{table} {verb}"} if may == names else {f"{table} {verb} {name}" for name in may}
    return found


def open_sequences(connection: psycopg.Connection, role: str) -> set[str]:
    return set(_names(connection, _SEQUENCES, role))


def open_functions(connection: psycopg.Connection, role: str) -> set[str]:
    return set(_names(connection, _FUNCTIONS, role))


def _names(connection: psycopg.Connection, query: str, role: str) -> Iterator[str]:
    for (name,) in connection.execute(query.encode(), [role]).fetchall():
        yield name


def _refused(connection: psycopg.Connection, statement: str, table: str, column: str = "") -> bool:
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL(statement).format(**names))
    except psycopg.errors.InsufficientPrivilege as error:
        # A policy that refuses one row is another thing: some row could be written.
        return str(error).startswith("permission denied")
    except psycopg.Error:
        return False
    return False
