"""Hand the forge's tables from a superuser over to an ordinary role, which the forge then connects as.

Whoever gets a superuser's session to run SQL owns the machine that the database runs on: COPY … FROM PROGRAM
starts programs. An ordinary role owns its tables, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from .roles import ROLES

FORGE_ROLE = "agentforge"
# BYPASSRLS is for pg_dump: the policies show the forge every row anyway.
_MAKE_ROLE = "CREATE ROLE {role} LOGIN BYPASSRLS"
_MAKE_API_ROLE = "CREATE ROLE {role} NOLOGIN NOINHERIT"
_SCHEMAS = """
SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
"""
# What lies in the schemas and is not the role's yet. Sequences of columns go with their tables.
_OBJECTS = """
WITH role AS (SELECT oid, quote_ident(rolname) AS quoted FROM pg_roles WHERE rolname = %(role)s),
place AS (SELECT oid FROM pg_namespace WHERE nspname = ANY(%(schemas)s)),
member AS (SELECT objid FROM pg_depend WHERE deptype = 'e')
SELECT format('ALTER %%s %%s OWNER TO %%s', kind, identity, role.quoted) FROM role, (
    SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS identity, nspname AS name, nspowner AS owner, oid
    FROM pg_namespace WHERE oid IN (TABLE place) AND nspname <> 'public'
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, oid::regclass::text,
        relname, relowner, oid
    FROM pg_class c WHERE relnamespace IN (TABLE place) AND relkind IN ('r', 'p', 'v', 'S')
      AND NOT (relkind = 'S' AND EXISTS (
          SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')
      ))
    UNION ALL
    SELECT 'ROUTINE', oid::regprocedure::text, proname, proowner, oid
    FROM pg_proc WHERE pronamespace IN (TABLE place)
    UNION ALL
    SELECT 'TYPE', t.oid::regtype::text, typname, typowner, t.oid
    FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE typnamespace IN (TABLE place) AND (typtype IN ('e', 'd') OR c.relkind = 'c')
) AS object
WHERE owner <> role.oid AND object.oid NOT IN (TABLE member) AND (kind = 'SCHEMA' OR name ~ %(names)s)
"""


def hand_over(cursor: Any, role: str, schemas: Sequence[str], names: str = "") -> list[str]:
    """Let `role` own what lies in these schemas; return the statements that did it, none once it is done.

    `names` is a regular expression for the names of tables, functions and types. The cursor's session must be
    a superuser's, in a transaction.
    """
    done = []
    for step in (_missing_roles, _missing_rights, _foreign_objects):
        for statement in list(step(cursor, role, schemas, names)):
            cursor.execute(statement)
            done.append(statement)
    return done


def hand_over_server(url: str) -> None:
    """Hand everything in a database over that the forge has for itself; `url` names its superuser."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        # Several processes may start at once.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('agentforge hand-over'))")
        schemas = [name for (name,) in cursor.execute(_SCHEMAS).fetchall()]
        hand_over(cursor, FORGE_ROLE, schemas)


def _missing_roles(cursor: Any, role: str, schemas: Sequence[str], names: str) -> Iterator[str]:
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [[role, *ROLES]])
    existing = {name for (name,) in cursor.fetchall()}
    if role not in existing:
        yield _statement(cursor, _MAKE_ROLE, role=role)
    for each in ROLES:
        if each not in existing:
            yield _statement(cursor, _MAKE_API_ROLE, role=each)


def _missing_rights(cursor: Any, role: str, schemas: Sequence[str], names: str) -> Iterator[str]:
    if not _may(cursor, "(SELECT rolbypassrls FROM pg_roles WHERE rolname = %s)", role):
        # The policies may name the former role only.
        yield _statement(cursor, "ALTER ROLE {role} BYPASSRLS", role=role)
    for each in ROLES:
        if not _may(cursor, "pg_has_role(%s, %s, 'MEMBER')", role, each):
            yield _statement(cursor, "GRANT {each} TO {role}", each=each, role=role)
    if not _may(cursor, "has_database_privilege(%s, current_database(), 'CREATE')", role):
        cursor.execute("SELECT current_database()")
        database = cursor.fetchone()[0]
        yield _statement(cursor, "GRANT ALL ON DATABASE {database} TO {role}", database=database, role=role)
    for schema in schemas:
        if not _may(cursor, "has_schema_privilege(%s, %s, 'CREATE WITH GRANT OPTION')", role, schema):
            statement = "GRANT ALL ON SCHEMA {schema} TO {role} WITH GRANT OPTION"
            yield _statement(cursor, statement, schema=schema, role=role)


def _foreign_objects(cursor: Any, role: str, schemas: Sequence[str], names: str) -> Iterator[str]:
    cursor.execute(_OBJECTS, {"role": role, "schemas": list(schemas), "names": names})
    for (statement,) in cursor.fetchall():
        yield statement


def _may(cursor: Any, expression: str, *names: str) -> bool:
    cursor.execute(f"SELECT {expression}", names)
    return bool(cursor.fetchone()[0])


def _statement(cursor: Any, template: str, **names: str) -> str:
    identifiers = {name: sql.Identifier(value) for name, value in names.items()}
    return sql.SQL(template).format(**identifiers).as_string()
