"""Rows that the database deletes with those they refer to, for an older version that does not know them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from .operations import PolicyOperation

_CONSTRAINTS = """
SELECT c.conname, pg_get_constraintdef(c.oid), array_agg(a.attname::text)
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = %s::regclass AND c.contype = 'f' GROUP BY c.oid ORDER BY 1
"""


class DeleteWithParents(PolicyOperation):
    """Let a table's foreign keys delete its rows, or forget the parent in the columns `forget`.

    Django does the same by itself, but only in a version that has the table. While an older one runs beside
    this one, or after it on the same tables, it could not delete an agent, a message or a person that a row
    of such a table refers to.
    """

    def __init__(self, table: str, forget: Sequence[str] = ()) -> None:
        self.table = table
        self.forget = tuple(forget)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for name, definition, columns in self._constraints(schema_editor):
            self._replace(
                schema_editor, name, definition.replace(" DEFERRABLE", f"{self._action(columns)} DEFERRABLE")
            )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for name, definition, columns in self._constraints(schema_editor):
            self._replace(schema_editor, name, definition.replace(self._action(columns), ""))

    def _action(self, columns: Sequence[str]) -> str:
        forgotten = [column for column in columns if column in self.forget]
        return f" ON DELETE SET NULL ({', '.join(forgotten)})" if forgotten else " ON DELETE CASCADE"

    def _constraints(self, schema_editor: BaseDatabaseSchemaEditor) -> list[tuple[str, str, list[str]]]:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_CONSTRAINTS, [self.table])
            return list(cursor.fetchall())

    def _replace(self, schema_editor: BaseDatabaseSchemaEditor, name: str, definition: str) -> None:
        table, name = schema_editor.quote_name(self.table), schema_editor.quote_name(name)
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        schema_editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

    def describe(self) -> str:
        return f"Delete rows of {self.table} with those they refer to, by the database"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.table}_with_parents"
