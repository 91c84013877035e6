"""Queries of every page, whose SQL is written once: that takes longer than PostgreSQL takes to answer."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, connections
from django.db.models import Expression, Field, QuerySet

Row = TypeVar("Row")
# Between statements that are asked together.
SEPARATOR = ";\n"


class Parameter(Expression):
    """A value that a prepared query gets with each call, by its name."""

    template = "%s"

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return self.template, (_Place(self.name),)


class Keys(Parameter):
    """The primary keys of some rows, for a lookup with `__in`."""

    template = "(SELECT unnest(%s::bigint[]))"


class _Place(str):
    """Where a parameter's value goes."""


@dataclass(frozen=True)
class Question(Generic[Row]):
    """A prepared query with its values."""

    query: PreparedQuery[Row]
    parameters: tuple[Any, ...]


def answers(*questions: Question[Any]) -> list[list[Any]]:
    """Return the rows of each query, asked in this order and in one round trip."""
    statements = SEPARATOR.join(question.query.sql for question in questions)
    with connection.cursor() as cursor:
        cursor.execute(statements, [value for question in questions for value in question.parameters])
        fetched = [cursor.fetchall()]
        while cursor.nextset():
            fetched.append(cursor.fetchall())
    return [question.query.read(rows) for question, rows in zip(questions, fetched, strict=True)]


class PreparedQuery(Generic[Row]):
    """A query set with parameters, made at the first call of a process.

    It must have no other values than parameters and constants, since these are those of the first call.
    """

    def __init__(self, make: Callable[[], QuerySet[Any, Row]]) -> None:
        self._make = make

    def __call__(self, **values: Any) -> list[Row]:
        """Return the rows, read as the query set would read them."""
        return answers(self.question(**values))[0]

    def question(self, **values: Any) -> Question[Row]:
        """Return the query with its values, to be asked together with others."""
        places = self._prepared[3]
        return Question(
            self, tuple(values[place] if isinstance(place, _Place) else place for place in places)
        )

    @property
    def sql(self) -> str:
        return self._prepared[2]

    def read(self, fetched: list[tuple[Any, ...]]) -> list[Row]:
        """Return what PostgreSQL gave, read as the query set would read it."""
        queryset, prepared, _, _ = self._prepared
        rows, compiler = queryset.all(), copy(prepared)
        query: Any = rows.query
        compiler.query = query
        # Each thread has its own connection.
        compiler.connection = connections[rows.db]
        if compiler.has_extra_select:
            fetched = [row[: compiler.col_count] for row in fetched]
        compiler.execute_sql = lambda *_, **__: [fetched]
        query.get_compiler = lambda *_, **__: compiler
        return list(rows)

    def first(self, **values: Any) -> Row | None:
        """Return the first row, None if there is none; the query set should ask for no more."""
        return next(iter(self(**values)), None)

    @cached_property
    def _prepared(self) -> tuple[QuerySet[Any, Row], Any, str, tuple[Any, ...]]:
        queryset = self._make()
        compiler = queryset.query.get_compiler(queryset.db)
        sql, places = compiler.as_sql()
        return queryset, compiler, sql, tuple(places)
