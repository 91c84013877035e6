"""Put a dump back: all of it in one transaction, or none."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.db import DatabaseError, connection, transaction

from agentforge.tenancy import roles
from agentforge.tenancy.installation import SchemaUnusable, create_schema
from agentforge.tenancy.relocation import other_sessions
from agentforge.tenancy.search_path import has_forge

from . import programs
from .errors import BackupError

# Servers before this version do not know a setting that pg_restore makes.
_TRANSACTION_TIMEOUT = b"SET transaction_timeout = 0;\n"
_TRANSACTION_TIMEOUT_SINCE = 170_000
_PREAMBLE = 60  # lines
# The roles that every installation has; others are this server's own matter.
_GRANT = re.compile(rf"(GRANT|REVOKE) [^;]* (TO|FROM) (PUBLIC|{'|'.join(roles.ROLES)});".encode(), re.ASCII)
_FORGE_POLICY = """
DO $do$
DECLARE tables text;
BEGIN
    FOR tables IN SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relnamespace = to_regnamespace(quote_ident({schema})) AND c.relforcerowsecurity
    LOOP
        EXECUTE 'CREATE POLICY forge ON ' || tables
            || ' TO CURRENT_USER, service_role USING (true) WITH CHECK (true)';
    END LOOP;
END
$do$;
"""
_COUNT = """
DO $do$
DECLARE number bigint;
BEGIN
    SELECT count(*) INTO number FROM {table};
    IF number <> {expected} THEN
        RAISE EXCEPTION '{name} has % of {expected} rows', number;
    END IF;
END
$do$;
"""


@dataclass(frozen=True)
class Target:
    """What the database holds that a backup is restored to; `aside` is the name that its schema gets."""

    schema: str
    has_tables: bool
    people: int
    server_version: int


def examine(schema: str) -> Target:
    """Return what is in the database of the settings. Raises BackupError if `schema` can't be used there."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int")
            version = cursor.fetchone()[0]
            is_there = has_forge(cursor)
            cursor.execute("SELECT current_schema()")
            present = cursor.fetchone()[0] if is_there else ""
            people = _people(cursor) if is_there else 0
    except DatabaseError as error:
        raise BackupError(f"The database does not answer. Check DATABASE_URL. {error}") from None
    wanted = connection.settings_dict["SCHEMA"]
    if wanted not in ("", schema) and schema != "public":
        raise BackupError(
            f"The backup's tables lie in the schema {schema}. Nothing was restored. "
            f"Set DATABASE_SCHEMA={schema}."
        )
    if is_there and (present != schema or schema == "public"):
        raise BackupError(
            f"This database has a forge in the schema {present}, and the backup's lay in {schema}. "
            "Nothing was restored. Restore it into an empty database."
        )
    return Target(schema, is_there, people, version)


def verify_stopped() -> None:
    """Raise BackupError while other processes of the forge are connected."""
    if sessions := other_sessions(connection):
        raise BackupError(
            "Stop the forge on every machine first, workers too. Nothing was restored. "
            f"Connected are: {', '.join(sessions)}."
        )


def restore(dump: Path, target: Target, url: str, rows: dict[str, int], aside: str) -> None:
    """Restore a dump, and move the schema that is there to the name `aside`. Raises BackupError."""
    quoted = connection.ops.quote_name(target.schema)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            roles.ensure(cursor)
        if not target.has_tables:
            create_schema(connection, target.schema)
    except (DatabaseError, SchemaUnusable) as error:
        raise BackupError(f"The database is not ready for a restore. {error}") from None
    connection.close()
    first = "SET client_min_messages = warning;\n"
    first += f"ALTER SCHEMA {quoted} RENAME TO {connection.ops.quote_name(aside)};\n" if aside else ""
    first += f"CREATE SCHEMA IF NOT EXISTS {quoted};\n"
    last = "".join(_last_statements(target.schema, rows))
    _run(dump, target.server_version, url, first.encode(), last.encode())


def _people(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM accounts_user")
    return int(cursor.fetchone()[0])


def _last_statements(schema: str, rows: dict[str, int]) -> Iterator[str]:
    """Yield what the dump leaves to the target: rights for its own roles, and the count of the rows."""
    quote = connection.ops.quote_name
    # pg_restore turns it off, which an ordinary role may not read its tables with.
    yield "SET row_security = on;\n"
    literal = "'" + schema.replace("'", "''") + "'"
    yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {', '.join(roles.ROLES)};\n"
    yield _FORGE_POLICY.format(schema=literal)
    for table, expected in sorted(rows.items()):
        qualified = f"{quote(schema)}.{quote(table)}"
        yield _COUNT.format(table=qualified, expected=int(expected), name=table.replace("'", "''"))


def _run(dump: Path, server_version: int, url: str, first: bytes, last: bytes) -> None:
    pg_restore, psql = (programs.find(name, server_version) for name in ("pg_restore", "psql"))
    nowhere = programs.environment("")
    command = [psql, "--no-psqlrc", "--quiet", "--no-password", "--single-transaction"]
    command += ["--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"]
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryFile() as errors:
        entries = _entries(programs.run([pg_restore, "--list", str(dump)], nowhere))
        contents, rights = Path(work) / "contents", Path(work) / "rights"
        contents.write_text("\n".join(line for kind, line in entries if kind not in ("ACL", "SCHEMA")))
        rights.write_text("\n".join(line for kind, line in entries if kind == "ACL"))
        read = [pg_restore, "--no-owner", "--file=-", str(dump)]
        with subprocess.Popen(
            command, env=programs.environment(url), stdin=subprocess.PIPE, stderr=errors
        ) as process:
            sink = cast("IO[bytes]", process.stdin)
            try:
                sink.write(first)
                with programs.output_of([*read, f"--use-list={contents}"], nowhere) as statements:
                    _pass_on(statements, sink, server_version)
                with programs.output_of([*read, f"--use-list={rights}"], nowhere) as statements:
                    sink.writelines(line for line in statements if _GRANT.match(line))
                sink.write(last)
                sink.close()
            except BrokenPipeError:
                pass  # psql says why
            except BaseException:
                process.kill()  # the server rolls back
                raise
        if process.returncode:
            errors.seek(0)
            reason = programs.failure("psql", process.returncode, errors.read())
            raise BackupError(f"The database was not restored, and is as it was. {reason}")


def _entries(listing: str) -> list[tuple[str, str]]:
    """Return the kind and the line of each entry of a dump that is to be restored as it is.

    A line is `4012; 3256 16643 POLICY agentforge builds_build forge owner`. The policy `forge` names the role
    of the server that the dump comes from; this server's is made instead.
    """
    entries = []
    for line in listing.splitlines():
        words = line.split()
        if line.startswith(";") or len(words) < 4:
            continue
        kind = words[3]
        if kind == "POLICY" and "forge" in words[6:7]:
            continue
        if kind in ("ACL", "COMMENT") and words[5] == "SCHEMA":
            continue
        entries.append((kind, line))
    return entries


def _pass_on(statements: IO[bytes], sink: IO[bytes], server_version: int) -> None:
    for _, line in zip(range(_PREAMBLE), statements, strict=False):
        if line != _TRANSACTION_TIMEOUT or server_version >= _TRANSACTION_TIMEOUT_SINCE:
            sink.write(line)
    shutil.copyfileobj(statements, sink)
