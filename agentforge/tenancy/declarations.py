"""What the migrations, all applied, open to users: the measure of what lies open in the database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from .operations import EnableRowLevelSecurity, ReplaceRowLevelSecurity

API_ROLES = ("anon", "authenticated")
GRANTEES = "PUBLIC, anon, authenticated"


@dataclass(frozen=True, slots=True)
class Exposure:
    """An object that differs from its migrations' declaration, and the statements that mend it."""

    object: str
    problem: str
    statements: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.object}: {self.problem}"


@cache
def _graph() -> MigrationLoader:
    return MigrationLoader(None)


@cache
def declared_access() -> dict[str, EnableRowLevelSecurity]:
    """Return what the migrations, all applied, grant to users: one operation for each such table."""
    loader = _graph()
    access: dict[str, EnableRowLevelSecurity] = {}
    seen = set()
    for leaf in sorted(loader.graph.leaf_nodes()):
        for node in loader.graph.forwards_plan(leaf):
            if node in seen:
                continue
            seen.add(node)
            for operation in loader.graph.nodes[node].operations:
                enabled = operation.after if isinstance(operation, ReplaceRowLevelSecurity) else operation
                if isinstance(enabled, EnableRowLevelSecurity):
                    access[enabled.table] = enabled
    return access


def is_migrated(connection: BaseDatabaseWrapper) -> bool:
    """Return whether all migrations are applied: before, a table may lack what its declaration names."""
    return set(_graph().graph.leaf_nodes()) <= MigrationRecorder(connection).applied_migrations().keys()
