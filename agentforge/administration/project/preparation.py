"""Prepare a project's database and Storage for the forge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from agentforge.tenancy.roles import ROLES
from agentforge.tenancy.search_path import has_forge


class CannotPrepare(Exception):
    """A step can't be looked at or done; `str()` tells an operator why, and what to do."""


@dataclass(frozen=True)
class Step:
    """Something outside of the database to prepare: `pending` says what is to do, or nothing.

    Both raise CannotPrepare.
    """

    pending: Callable[[], str]
    run: Callable[[], None]


_steps: list[Step] = []

_STATE = """
SELECT current_user, to_regnamespace(quote_ident(%s)) IS NOT NULL,
    ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s)),
    ARRAY(
        SELECT rolname::text FROM pg_roles
        WHERE rolname = ANY(%s) AND pg_has_role(current_user, oid, 'MEMBER')
    )
"""


def register(step: Step) -> None:
    """Add a step of another app."""
    _steps.append(step)


def steps() -> list[Step]:
    return list(_steps)


def statements(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the SQL that an owner of the database runs before the first `migrate`, if any."""
    schema = connection.settings_dict["SCHEMA"]
    with connection.cursor() as cursor:
        if not schema or has_forge(cursor):
            return []
        cursor.execute(_STATE, [schema, list(ROLES), list(ROLES)])
        role, is_there, present, joined = cursor.fetchone()
    quote = connection.ops.quote_name
    missing = [name for name in ROLES if name not in present]
    foreign = [name for name in ROLES if name not in joined]
    return [
        *(f"CREATE ROLE {name} NOLOGIN NOINHERIT" for name in missing),
        *([f"GRANT {', '.join(foreign)} TO {quote(role)}"] if foreign else []),
        *([] if is_there else [f"CREATE SCHEMA {quote(schema)} AUTHORIZATION {quote(role)}"]),
    ]
