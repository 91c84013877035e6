"""Create the roles and `auth.uid()` that a Supabase database comes with, where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The launcher creates roles too, and needs nothing else of Django's models.
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps

ROLES = ("anon", "authenticated", "service_role")

# Roles belong to the whole cluster: another database's migration may create them at the same time.
_CREATE_ROLE = """
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN NOINHERIT;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'The database role {role} is missing and % may not create it', current_user
        USING HINT = 'Run as an administrator: CREATE ROLE {role} NOLOGIN; GRANT {role} TO '
            || quote_ident(current_user) || ';';
END
$do$
"""

# Since PostgreSQL 16, creating a role does not grant SET ROLE to it.
_JOIN_ROLE = """
DO $do$
BEGIN
    IF NOT pg_has_role(current_user, '{role}',
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
END
$do$
"""

_AUTH_UID = """
DO $do$
BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $fn$
            SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
        $fn$;
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
        GRANT EXECUTE ON FUNCTION auth.uid() TO anon, authenticated, service_role;
    END IF;
END
$do$
"""


_USE_SCHEMA = """
DO $do$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO anon, authenticated, service_role', current_schema());
END
$do$
"""


def create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Create the missing roles, join them, and create `auth.uid()` if it is missing."""
    for statement in (*_statements(), _USE_SCHEMA):
        schema_editor.execute(statement, params=None)


def ensure(cursor: Any) -> None:
    """Do the same without a migration, except for rights in the forge's schema: it may not be there yet."""
    for statement in _statements():
        cursor.execute(statement)


def _statements() -> Iterator[str]:
    for role in ROLES:
        yield from (_CREATE_ROLE.format(role=role), _JOIN_ROLE.format(role=role))
    yield _AUTH_UID
