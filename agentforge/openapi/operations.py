"""What a script sends to a named URL and receives, as described in each app's `openapi.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.forms import BaseForm

from .schemas import Schema


@dataclass(frozen=True)
class Operation:
    """One method of a URL.

    `answer` maps the members of a success besides `success` and `errors` to their schemas. `document` is the
    whole response if it is JSON of another shape, `media` its type if it is not JSON (then `document`
    describes an event of the stream); `or_json` describes the same as JSON, if that can be had too. `forms`
    are the possible bodies, `also` further members of them; if `required` is given, only those fields have
    to be sent. `refusable` operations may be refused in some states (409), `refusals` describes further
    errors by status, and `ends` a response without content (204).
    """

    summary: str
    answer: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200
    document: Schema | None = None
    media: str = ""
    or_json: Schema | None = None
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
    """Describe the methods of a path that is served outside Django's URLs."""
    BY_PATH[path] = methods
