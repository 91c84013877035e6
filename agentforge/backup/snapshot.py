"""One moment of the database: what its tables hold then, counted and dumped while the forge runs on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from agentforge.tenancy.search_path import has_forge, use_schema

from . import programs
from .errors import BackupError

_FACTS = """
SELECT pg_export_snapshot(), current_schema(), current_user, current_setting('server_version_num')::int
"""
_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY 1
"""
# Tables whose policies may hide rows from this role: no permissive one shows all, or one restricts.
_HIDING = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND row_security_active(c.oid)
  AND (NOT EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('*', 'r')
        AND pg_get_expr(p.polqual, p.polrelid) = 'true'
        AND (p.polroles = '{0}' OR EXISTS (
            SELECT FROM unnest(p.polroles) AS r(id) WHERE r.id <> 0 AND pg_has_role(r.id, 'USAGE')
        ))
  ) OR EXISTS (
      SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd IN ('*', 'r')
        AND (p.polroles = '{0}' OR EXISTS (
            SELECT FROM unnest(p.polroles) AS r(id) WHERE r.id <> 0 AND pg_has_role(r.id, 'USAGE')
        ))
  ))
ORDER BY 1
"""
_MIGRATIONS = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"
_COPY = re.compile(rb'COPY (?:"?[^".]+"?\.)?"?([^" (]+)"? \(.*\) FROM stdin;\n')
_LOCK_WAIT = "60s"


@dataclass(frozen=True)
class Snapshot:
    """A transaction that sees one moment; other sessions see the same by its id."""

    cursor: psycopg.Cursor[Any]
    id: str
    schema: str
    role: str
    server_version: int

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        counts = {}
        for (table,) in self.cursor.execute(_TABLES).fetchall():
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(self.schema, table))
            [(number,)] = self.cursor.execute(query).fetchall()
            counts[table] = int(number)
        return counts

    def migrations(self) -> list[str]:
        return [name for (name,) in self.cursor.execute(_MIGRATIONS).fetchall()]


@contextmanager
def taken(url: str, schema: str) -> Iterator[Snapshot]:
    """Take a snapshot of the forge's schema. Raises BackupError if there is none, or rows are hidden."""
    with psycopg.connect(url, fallback_application_name="agentforge backup") as connection:
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SET statement_timeout = 0")
        connection.commit()
        use_schema(connection, schema)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.cursor() as cursor:
            if not has_forge(cursor):
                raise BackupError("This database has no installation yet. There is nothing to save.")
            snapshot_id, own_schema, role, version = cursor.execute(_FACTS).fetchone() or ()
            if hidden := [name for (name,) in cursor.execute(_HIDING).fetchall()]:
                raise BackupError(
                    f"Row level security hides rows of {', '.join(hidden)} from the role {role}. Nothing was "
                    "saved. `manage.py secure_database` mends the policies."
                )
            yield Snapshot(cursor, snapshot_id, own_schema, role, version)


def dump(snapshot: Snapshot, url: str, target: Path) -> None:
    """Dump what a snapshot sees, as far as row level security shows it to this role. Raises BackupError."""
    quoted = snapshot.schema.replace('"', '""')
    arguments = [
        *("--format=custom", "--no-password", "--enable-row-security", f"--lock-wait-timeout={_LOCK_WAIT}"),
        *(f"--snapshot={snapshot.id}", f'--schema="{quoted}"', f"--file={target}"),
    ]
    pg_dump = programs.find("pg_dump", snapshot.server_version)
    programs.run([pg_dump, *arguments], programs.environment(url))


def rows_in(dump: Path, server_version: int = 0) -> dict[str, int]:
    """Return how many rows a dump holds of each table, by reading all of it. Raises BackupError."""
    command = [programs.find("pg_restore", server_version), "--data-only", "--file=-", str(dump)]
    counts: Counter[str] = Counter()
    table = ""
    with programs.output_of(command, programs.environment("")) as output:
        for line in output:
            if table and line == b"\\.\n":
                table = ""
            elif table:
                counts[table] += 1
            elif match := _COPY.fullmatch(line):
                table = match[1].decode()
    return dict(counts)


def verify(dump: Path, expected: dict[str, int]) -> None:
    """Raise BackupError unless a dump holds as many rows of each table as were counted."""
    found = rows_in(dump)
    wrong = [
        f"{table} ({found.get(table, 0)} of {count} rows)"
        for table, count in sorted(expected.items())
        if found.get(table, 0) != count
    ]
    if wrong:
        raise BackupError(f"The dump of the database is not whole: {', '.join(wrong)}. It is no backup.")
