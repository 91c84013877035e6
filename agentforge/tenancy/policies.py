"""Compare the policies of the forge's tables with those that its migrations declare.

A permissive policy adds to the others, so one that somebody added, or widened, shows people the rows of all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from .declarations import API_ROLES, Exposure, declared_access, is_migrated
from .operations import DeclaredPolicy

_FORCED = "SELECT relname, relforcerowsecurity FROM pg_class WHERE oid = ANY(%s) ORDER BY relname"
_POLICIES = """
SELECT c.relname, p.polname, p.polpermissive,
    coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
    ARRAY(
        SELECT coalesce(r.rolname::text, 'PUBLIC') FROM unnest(p.polroles) AS m(role)
        LEFT JOIN pg_roles r ON r.oid = m.role ORDER BY 1
    )
FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.oid = ANY(%s) ORDER BY c.relname, p.polname
"""
# What PostgreSQL adds when it prints an expression: casts, the names of tables and columns, parentheses.
_ADDED = re.compile(r"::\w+|\bAS uid\b|\b(?!auth\.)\w+\.|[\s()\"]")


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as the catalog has it."""

    name: str
    is_permissive: bool
    using: str
    check: str
    roles: tuple[str, ...]

    def meets(self, declared: DeclaredPolicy) -> bool:
        expressions = (_plain(self.using), _plain(self.check))
        wanted = (_plain(declared.using), _plain(declared.check))
        if declared.roles:
            return self.is_permissive and self.roles == declared.roles and expressions == wanted
        return self.is_permissive and not self.is_open and expressions == wanted

    @property
    def is_open(self) -> bool:
        """Tell whether it adds to what somebody sees who comes through the API."""
        return self.is_permissive and bool({"PUBLIC", *API_ROLES} & set(self.roles))


def policy_exposures(connection: BaseDatabaseWrapper, tables: Sequence[int]) -> Iterator[Exposure]:
    """Yield undeclared, changed and missing policies of the tables with these oids, once all are migrated."""
    if not is_migrated(connection):
        return
    with connection.cursor() as cursor:
        cursor.execute(_FORCED, [list(tables)])
        forced = dict(cursor.fetchall())
        cursor.execute(_POLICIES, [list(tables)])
        present: dict[str, list[Policy]] = {table: [] for table in forced}
        for table, name, is_permissive, using, check, roles in cursor.fetchall():
            present[table].append(Policy(name, is_permissive, using, check, tuple(roles)))
    quote = connection.ops.quote_name
    for table, policies in present.items():
        access = declared_access().get(table)
        if access and not forced[table]:
            statement = f"ALTER TABLE {quote(table)} FORCE ROW LEVEL SECURITY"
            yield Exposure(f"table {table}", "row level security is not forced", (statement,))
        yield from _of_table(table, policies, access.policies(quote) if access else {}, quote=quote)


def _of_table(
    table: str, policies: list[Policy], declared: dict[str, DeclaredPolicy], *, quote: Callable[[str], str]
) -> Iterator[Exposure]:
    for policy in policies:
        drop = f"DROP POLICY {quote(policy.name)} ON {quote(table)}"
        problem = f"policy {policy.name} is not as declared, and counts for {', '.join(policy.roles)}"
        if wanted := declared.get(policy.name):
            if not policy.meets(wanted):
                yield Exposure(f"table {table}", problem, (drop, wanted.statement))
        elif policy.is_open:
            yield Exposure(f"table {table}", problem, (drop,))
    for name in declared.keys() - {policy.name for policy in policies}:
        yield Exposure(f"table {table}", f"no policy {name}", (declared[name].statement,))


def _plain(expression: str) -> str:
    return _ADDED.sub("", expression)
