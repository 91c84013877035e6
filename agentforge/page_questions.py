"""What the header of every page asks, asked in one round trip with what the page itself asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from .prepared_queries import Question, answers

_sources: dict[str, Callable[[HttpRequest], Question[Any]]] = {}
_KEPT = "_header_answers"


def register(name: str, source: Callable[[HttpRequest], Question[Any]]) -> None:
    """Let pages of signed-in people answer a question of their header along with their own."""
    _sources[name] = source


def page_answers(request: HttpRequest, *questions: Question[Any]) -> list[list[Any]]:
    """Answer the questions of a page; those of its header too, the first time that a whole page asks."""
    header = {} if _KEPT in request.__dict__ or not _is_page(request) else _sources
    rows = answers(*questions, *(source(request) for source in header.values()))
    if header:
        request.__dict__[_KEPT] = dict(zip(header, rows[len(questions) :], strict=True))
    return rows[: len(questions)]


def header_rows(request: HttpRequest, name: str) -> list[Any] | None:
    """Return the rows of a question of the header; None if they were not asked for."""
    rows: list[Any] | None = request.__dict__.get(_KEPT, {}).get(name)
    return rows


def _is_page(request: HttpRequest) -> bool:
    # What changes something tells of it afterwards.
    return request.method in ("GET", "HEAD") and "HX-Request" not in request.headers
