"""Django's PostgreSQL back end, whose migrations close what they make before they commit."""

from __future__ import annotations

from types import TracebackType

from django.db.backends.postgresql import base, schema

from agentforge.tenancy.exposure import secure


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Close new tables, sequences and functions in the transaction that makes them."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None and not self.collect_sql:
            secure(self.connection)
        super().__exit__(exc_type, exc_value, traceback)


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
