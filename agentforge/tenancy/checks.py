from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import OperationalError, connections, models

from .escalation import person_problems, session_problem
from .exposure import exposures
from .operations import FORGE_POLICY

_PROTECTION = """
    SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
        EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname <> %s)
    FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)
"""


def check_row_level_security(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report owned tables without row level security, tables open to everybody, and roles with too much."""
    errors: list[CheckMessage] = []
    for alias in databases or ():
        if connections[alias].vendor != "postgresql":
            continue
        try:
            errors += [*_unprotected(alias), *_exposed(alias), *_escalating(alias)]
        except OperationalError:
            # An unreachable database is reported by the code that uses it.
            continue
    return errors


def owned_models() -> list[type[models.Model]]:
    """Return the models with an `owner` who is a user."""
    return [
        model
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name == "owner" and isinstance(field, models.ForeignKey) and _is_user(field)
    ]


def _is_user(field: models.ForeignKey[Any, Any]) -> bool:
    return field.remote_field.model._meta.label == settings.AUTH_USER_MODEL


def _unprotected(alias: str) -> Iterable[CheckMessage]:
    by_table = {model._meta.db_table: model for model in owned_models()}
    with connections[alias].cursor() as cursor:
        cursor.execute(_PROTECTION, [FORGE_POLICY, list(by_table)])
        rows = cursor.fetchall()
    for table, enforced, has_policy in rows:
        if not (enforced and has_policy):
            yield Error(
                f"Table {table} has an owner column but no row level security.",
                hint=f'Add EnableRowLevelSecurity("{table}") to a migration, and run migrate.',
                obj=by_table[table],
                id="tenancy.E001",
            )


def _exposed(alias: str) -> Iterable[CheckMessage]:
    for exposure in exposures(connections[alias]):
        yield Error(
            f"In the database, {exposure}.",
            hint="Run `manage.py secure_database`, which closes it (with --dry-run it only prints how).",
            id="tenancy.E002",
        )


def _escalating(alias: str) -> Iterable[CheckMessage]:
    with connections[alias].cursor() as cursor:
        if problem := session_problem(cursor):
            yield Error(problem, id="tenancy.E003")
        for problem in person_problems(cursor):
            yield Error(problem, id="tenancy.E004")
