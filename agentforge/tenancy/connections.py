"""Give database connections back to the pool, whatever became of the request that took them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections
from django.http import HttpRequest, HttpResponseBase


def give_back() -> None:
    """Return this thread's connections to the pool, but for one that is inside a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


class GiveBackMiddleware:
    """Give the request's connection back in the thread that took it.

    Django does so on `request_finished`, which never comes when a client has gone and the server, tired of
    waiting for the view, cancels the request: each such request would keep its connection for ever.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            give_back()
