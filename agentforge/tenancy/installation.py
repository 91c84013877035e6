"""Make the schema of a new installation."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from .search_path import DEFAULT_SCHEMA, has_forge

_STATE = """
SELECT to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL,
    current_user, has_database_privilege(current_database(), 'CREATE'),
    coalesce(has_schema_privilege(to_regnamespace(quote_ident(%(schema)s))::oid, 'CREATE'), true)
"""
_OTHER_TABLES = r"""
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relname <> ALL(%(ours)s) AND c.relname NOT LIKE 'procrastinate\_%%'
ORDER BY 1 LIMIT 3
"""


class SchemaUnusable(Exception):
    """The forge's schema can't be made or used; `str()` tells an operator why, and what to do."""


def enter_new_schema(connection: BaseDatabaseWrapper, *, create: bool) -> None:
    """Let a connection that finds no installation work in DATABASE_SCHEMA alone, which `create` makes.

    Without `public`, where another Django project may have tables of the same names. Raises SchemaUnusable.
    """
    schema = connection.settings_dict["SCHEMA"]
    with connection.cursor() as cursor:
        if not schema or has_forge(cursor):
            return
        if create:
            create_schema(connection, schema)
        cursor.execute("SELECT set_config('search_path', quote_ident(%s), false)", [schema])


def create_schema(connection: BaseDatabaseWrapper, schema: str) -> None:
    """Make a schema for the forge unless it is there; raises SchemaUnusable."""
    quoted = connection.ops.quote_name(schema)
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"schema": schema})
        is_there, role, may_create, may_use = cursor.fetchone()
        owner = connection.ops.quote_name(role)
        if not is_there and not may_create:
            raise SchemaUnusable(
                f"The role {role} may not make the schema {schema}. Nothing was changed. "
                f"Run as the database's owner: CREATE SCHEMA {quoted} AUTHORIZATION {owner};"
            )
        if not may_use:
            raise SchemaUnusable(
                f"The role {role} may not make tables in the schema {schema}. Nothing was changed. "
                f"Run as the schema's owner: ALTER SCHEMA {quoted} OWNER TO {owner};"
            )
        if not is_there:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
        elif schema != "public":
            _refuse_foreign_tables(connection, cursor, schema)


def _refuse_foreign_tables(connection: BaseDatabaseWrapper, cursor: Any, schema: str) -> None:
    """The forge closes everything in its schema, so another program's tables must not be there."""
    ours = [*connection.introspection.django_table_names(), "django_migrations"]
    cursor.execute(_OTHER_TABLES, {"schema": schema, "ours": ours})
    if others := [name for (name,) in cursor.fetchall()]:
        raise SchemaUnusable(
            f"The schema {schema} has tables of another program ({', '.join(others)}). Nothing was changed. "
            f"Set DATABASE_SCHEMA to a schema for the forge alone, such as {DEFAULT_SCHEMA}."
        )
