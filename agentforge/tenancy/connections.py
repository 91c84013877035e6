"""Lend database connections to threads and return them to the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections
from django.http import HttpRequest, HttpResponseBase

from .patience import SECONDS, Patience, limited


def give_back() -> None:
    """Return this thread's connections to the pool, except one inside a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


@contextmanager
def connection_lease() -> Iterator[None]:
    """Start the block without a stale connection, and return this thread's connections after it."""
    give_back()
    try:
        yield
    finally:
        give_back()


class GiveBackMiddleware:
    """Return the request's connection in the thread that took it, and bound its waits for the database.

    Django does so on `request_finished`, which is never sent when the client has gone and the server cancels
    the request: each such request would keep its connection for good.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            with limited(Patience(SECONDS)):
                return self.get_response(request)
        finally:
            give_back()
