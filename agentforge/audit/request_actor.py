"""The actor of the current request, for the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Actor:
    """The network address of a request, and its user once authenticated; `token` names an API token."""

    address: str = ""
    user: Any = None
    token: str = ""

    @property
    def label(self) -> str:
        """Return who acts, and through which API token; empty without a user."""
        who = str(self.user or "")
        return f"{who}, API token {self.token}" if self.token else who


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
