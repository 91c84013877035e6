"""What the forge's role lacks in its database before the first migration, as the statements that mend it."""

from __future__ import annotations

from typing import Any

from .roles import ROLES


class RightsMissing(Exception):
    """The role may not prepare the database; `str()` has every statement that an administrator has to run."""


# Since PostgreSQL 16, membership alone does not let a role act as another one, and CREATEROLE does not grant.
_STATE = """
SELECT current_user, r.rolcreaterole OR r.rolsuper,
    has_database_privilege(current_database(), 'CREATE'),
    %(schema)s = '' OR to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL,
    to_regprocedure('auth.uid()') IS NOT NULL,
    to_regnamespace('auth') IS NOT NULL,
    coalesce(has_schema_privilege(to_regnamespace('auth')::oid, 'CREATE'), false)
FROM pg_roles r WHERE r.rolname = current_user
"""
_MEMBERSHIPS = """
WITH version AS (SELECT current_setting('server_version_num')::int >= 160000 AS is_new)
SELECT g.rolname,
    pg_has_role(current_user, g.oid, CASE WHEN is_new THEN 'SET' ELSE 'MEMBER' END)
    OR pg_has_role(current_user, g.oid, 'MEMBER WITH ADMIN OPTION')
    OR r.rolsuper OR (r.rolcreaterole AND NOT is_new)
FROM pg_roles g, pg_roles r, version WHERE g.rolname = ANY(%s) AND r.rolname = current_user
"""


def refuse_missing_rights(connection: Any, schema: str, *, is_installed: bool) -> None:
    """Raise RightsMissing, with all of them at once, unless the role can prepare the database."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"schema": schema})
        role, may_make_roles, may_create, has_schema, has_uid, has_auth, may_use_auth = cursor.fetchone()
        cursor.execute(_MEMBERSHIPS, [list(ROLES)])
        joined: dict[str, bool] = dict(cursor.fetchall())
    owner = connection.ops.quote_name(role)
    statements = [
        f"CREATE ROLE {name} NOLOGIN NOINHERIT ROLE {owner};"
        for name in ROLES
        if name not in joined and not may_make_roles
    ]
    statements += [f"GRANT {name} TO {owner};" for name in ROLES if not joined.get(name, True)]
    if not (may_create or has_schema or is_installed):
        statements.append(f"CREATE SCHEMA {connection.ops.quote_name(schema)} AUTHORIZATION {owner};")
    if not has_uid and not has_auth and not may_create:
        statements.append(f"CREATE SCHEMA auth AUTHORIZATION {owner};")
    if not has_uid and has_auth and not may_use_auth:
        statements.append(f"GRANT CREATE ON SCHEMA auth TO {owner};")
    if statements:
        raise RightsMissing(
            f"The role {role} lacks rights in its database. Nothing was changed. As an administrator of the "
            "server, in this database, run\n\n    " + "\n    ".join(statements) + "\n\nand migrate again."
        )
