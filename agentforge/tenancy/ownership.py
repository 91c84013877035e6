"""Keep rows of different owners apart in the database itself, whoever writes them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from .operations import PolicyOperation


class RequireSameOwner(PolicyOperation):
    """Let rows of a table refer only to rows of their own owner (law 2).

    `parents` maps columns to the tables that they refer to. Each becomes a second foreign key, of the column
    and `owner_id` together, which PostgreSQL also checks for the forge's own role. Earlier rows stay as they
    are.
    """

    def __init__(self, table: str, parents: Mapping[str, str]) -> None:
        self.table = table
        self.parents = dict(parents)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        quote = schema_editor.quote_name
        for column, parent in self.parents.items():
            schema_editor.execute(
                f"CREATE UNIQUE INDEX IF NOT EXISTS {_index(parent)} ON {quote(parent)} (id, owner_id)"
            )
            # Deferred, as Django's own: it may delete parents and children in any order.
            schema_editor.execute(
                f"ALTER TABLE {quote(self.table)} ADD CONSTRAINT {quote(self._constraint(column))} "
                f"FOREIGN KEY ({quote(column)}, owner_id) REFERENCES {quote(parent)} (id, owner_id) "
                "DEFERRABLE INITIALLY DEFERRED NOT VALID"
            )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        quote = schema_editor.quote_name
        for column in self.parents:
            name = quote(self._constraint(column))
            schema_editor.execute(f"ALTER TABLE {quote(self.table)} DROP CONSTRAINT {name}")
        # The parents' indexes stay: other tables may refer to them.

    def describe(self) -> str:
        return f"Let rows of {self.table} refer only to rows of their own owner"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.table}_same_owner"

    def _constraint(self, column: str) -> str:
        return f"{self.table}_{column}_owner"


def _index(parent: str) -> str:
    return f"{parent}_id_owner"
