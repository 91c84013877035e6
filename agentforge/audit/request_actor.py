"""Remember who asks for the present request, so that what is done for it can name them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Actor:
    """Name where a request came from, and by whom, once that is known."""

    address: str = ""
    user: Any = None


_asker: ContextVar[Actor | None] = ContextVar("asker", default=None)


@contextmanager
def actor_context(address: str) -> Iterator[Actor]:
    """Handle a request from a network address; who asks is set when it is found out."""
    asker = Actor(address)
    token = _asker.set(asker)
    try:
        yield asker
    finally:
        _asker.reset(token)


def current_actor() -> Actor:
    """Return who asks; nobody from nowhere in workers and commands."""
    return _asker.get() or Actor()
