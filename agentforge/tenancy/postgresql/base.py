"""Django's PostgreSQL back end: it works in the forge's schema, and closes what migrations make.

A transaction can begin with a statement, in the round trip of its BEGIN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, cast

import psycopg
from django.db import transaction
from django.db.backends.postgresql import base, schema

from agentforge.tenancy import database, patience
from agentforge.tenancy.exposure import secure
from agentforge.tenancy.search_path import use_schema


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
    _opening: tuple[str, Sequence[str]] | None = None

    @contextmanager
    def transaction_with(self, statement: str, parameters: Sequence[str]) -> Iterator[None]:
        """Begin an outermost transaction with a statement, and run the block in it."""
        self._opening = (statement, parameters)
        try:
            with transaction.atomic(using=self.alias):
                self._require_opened()
                yield
        finally:
            self._opening = None

    def _require_opened(self) -> None:
        if self._opening is not None:
            raise transaction.TransactionManagementError("A transaction runs already.")

    def _set_autocommit(self, autocommit: bool) -> None:
        """Begin the transaction here if it has an opening: psycopg would send its BEGIN apart."""
        if autocommit or self._opening is None:
            cast("Any", super())._set_autocommit(autocommit)
            return
        (statement, parameters), self._opening = self._opening, None
        with self.wrap_database_errors:
            try:
                self.connection.execute(f"BEGIN; {statement}", parameters)
            except psycopg.Error:
                with suppress(psycopg.Error):
                    self.connection.rollback()
                raise

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection:
        """Take a connection from the pool, or make one."""
        with patience.connecting():
            return cast("psycopg.Connection", super().get_new_connection(conn_params))

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's arguments; the name is not a setting, since forks share the settings."""
        params: dict[str, Any] = super().get_connection_params()
        return {"fallback_application_name": database.application_name(), **params}

    def _configure_connection(self, connection: psycopg.Connection) -> bool:
        """Prepare a new connection, of the pool or without one."""
        use_schema(connection, self.settings_dict["SCHEMA"])
        return bool(cast("Any", super())._configure_connection(connection))
