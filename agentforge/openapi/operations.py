"""Say of a named URL what a script sends and gets; `openapi.py` of each app does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.forms import BaseForm

from .schemas import Schema


@dataclass(frozen=True)
class Operation:
    """Describe one method of a URL.

    `answer` maps what a success holds besides `success` and `errors` to its schemas; `document` is the
    whole answer where it is JSON of another shape, `media` where it is no JSON (then `document` describes an
    event of a stream). `forms` are what a body may
    hold, and `also` further members of it; with `required` given, only those fields have to be sent.
    `refusable` says that the state of things may refuse it, `refusals` describes further ones by status, and
    `ends` an answer without content (204).
    """

    summary: str
    answer: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200
    document: Schema | None = None
    media: str = ""
    forms: Sequence[type[BaseForm]] = ()
    also: Mapping[str, Schema] = field(default_factory=dict)
    required: Sequence[str] | None = None
    query: type[BaseForm] | None = None
    parameters: Mapping[str, Schema] = field(default_factory=dict)
    path: Mapping[str, Schema] = field(default_factory=dict)
    refusable: bool = False
    refusals: Mapping[int, str] = field(default_factory=dict)
    ends: str = ""
    public: bool = False
    note: str = ""


Methods = Mapping[str, Operation]
NAMED: dict[str, Methods] = {}
BY_PATH: dict[str, Methods] = {}


def describe(name: str, **methods: Operation) -> None:
    """Describe the methods (`get=`, `post=`) of a named URL."""
    NAMED[name] = methods


def describe_path(path: str, **methods: Operation) -> None:
    """Describe the methods of a path that Django's URLs do not know."""
    BY_PATH[path] = methods
