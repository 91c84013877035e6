"""Keep the calls of a request in one piece of memory: docs/decisions/0103-room-for-calls.md."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import cast

from django.http import HttpRequest, HttpResponseBase

View = Callable[[HttpRequest], HttpResponseBase]

# Of 8 bytes. CPython takes the next power of two, 128 KiB, and leaves half of it to the calls within.
SLOTS = 8000


def _call(view: View, request: HttpRequest) -> HttpResponseBase:
    return view(request)


# The same function, whose frame asks for a stack that it never uses.
_call_with_room = cast(
    Callable[[View, HttpRequest], HttpResponseBase],
    FunctionType(_call.__code__.replace(co_stacksize=SLOTS), globals()),
)


def stack_room(get_response: View) -> View:
    """Middleware that lets the interpreter take memory for the calls of a request once."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _call_with_room(get_response, request)

    return middleware
