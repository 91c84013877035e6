"""The actor of the current request, for the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Actor:
    """The network address of a request, and its user once authenticated."""

    address: str = ""
    user: Any = None


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextmanager
def actor_context(address: str) -> Iterator[Actor]:
    """Set the actor for the duration of a request; its user is added once authenticated."""
    actor = Actor(address)
    token = _actor.set(actor)
    try:
        yield actor
    finally:
        _actor.reset(token)


def current_actor() -> Actor:
    """Return the current actor; one without user and address in workers and commands."""
    return _actor.get() or Actor()
