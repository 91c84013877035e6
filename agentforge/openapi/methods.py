from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from agentforge.negotiation import wants_json

from .document import document
from .operations import NAMED


class MethodMiddleware:
    """Refuses a script's method that the document does not describe: the answer would be a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        allowed = _allowed(match.view_name) if match is not None and wants_json(request) else ()
        return HttpResponseNotAllowed(allowed) if allowed and request.method not in allowed else None


@cache
def _allowed(name: str) -> tuple[str, ...]:
    """Return the methods that are described for a named URL; none if it is not described."""
    document()
    methods = [method.upper() for method in NAMED.get(name, {})]
    return tuple(sorted([*methods, *(["HEAD"] if "GET" in methods else [])]))
