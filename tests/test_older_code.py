"""The version before this one runs on this one's tables, as docs/operations/upgrade.md says.

It knows nothing of newer columns and tables: it leaves them out of what it writes, and deletes rows that rows
of newer tables refer to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

pytestmark = pytest.mark.django_db

# The last migrations of PREVIOUS in tests/production/upgrade.py.
PREVIOUS = [
    ("accounts", "0011_guests"),
    ("audit", "0003_prune"),
    ("builder_service", "0001_initial"),
    ("builds", "0014_conversations"),
    ("configs", "0009_hide_trash"),
    ("deployments", "0008_when_built"),
    ("live", "0003_hidden_streams"),
    ("remote_builders", "0001_initial"),
]
OWN = ("agentforge.", "builds.", "configs.", "deployments.")
Columns = set[tuple[str, str]]
_COLUMNS = """
SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES'
FROM information_schema.columns WHERE table_schema = current_schema()
"""
_REFERENCES = """
SELECT conrelid::regclass::text, confrelid::regclass::text, conname, confdeltype FROM pg_constraint
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 3
"""
# CASCADE, SET NULL, SET DEFAULT; not NO ACTION and RESTRICT.
_FOLLOWS = ("c", "n", "d")


@pytest.fixture(scope="module")
def older() -> Columns:
    """Return the tables and columns that the version before this one knows."""
    models = MigrationLoader(None).project_state(PREVIOUS).apps.get_models(include_auto_created=True)
    labels = {label for label, _ in PREVIOUS}
    own = [model for model in models if model._meta.app_label in labels]
    return {(model._meta.db_table, column) for model in own for column in _columns(model)}


def _columns(model: type[Model]) -> Iterator[str]:
    return (field.column for field in model._meta.local_fields if field.column)


def test_it_finds_every_column_that_it_knows(older: Columns) -> None:
    assert older - {(table, column) for table, column, _ in _rows(_COLUMNS)} == set()


def test_it_writes_rows_without_the_columns_that_it_does_not_know(older: Columns) -> None:
    tables = {table for table, _ in older}
    needed = {(table, column) for table, column, is_optional in _rows(_COLUMNS) if not is_optional}
    assert {(table, column) for table, column in needed - older if table in tables} == set()


def test_it_deletes_rows_that_newer_tables_refer_to(older: Columns) -> None:
    tables = {table for table, _ in older}
    models = apps.get_models(include_auto_created=True)
    own = {model._meta.db_table for model in models if model.__module__.startswith(OWN)}
    stays = [
        f"{table}.{name}"
        for table, parent, name, action in _rows(_REFERENCES)
        if table in own - tables and parent in tables and action not in _FOLLOWS
    ]
    assert stays == []


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
