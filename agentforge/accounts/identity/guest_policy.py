"""Whether a project makes anonymous users, as it tells everybody: GET /auth/v1/settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from agentforge.accounts.errors import IdentityUnavailable


class GuestPolicy:
    """Asks a project at most once in `fresh` seconds, or `pause` seconds after it did not answer.

    While one thread asks, the others take the last answer. `clock` counts seconds.
    """

    def __init__(
        self,
        ask: Callable[[], dict[str, Any]],
        *,
        fresh: float = 60,
        pause: float = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._fresh, self._pause, self._clock = ask, fresh, pause, clock
        self._lock = threading.Lock()
        self._allows = False
        self._due_at: float | None = None

    def allows(self) -> bool:
        """Return whether guests can come; False while the project does not answer."""
        # Without any answer one waits for whoever asks; otherwise the last answer is good enough.
        if self._is_due() and self._lock.acquire(blocking=self._due_at is None):
            try:
                if self._is_due():
                    self._renew()
            finally:
                self._lock.release()
        return self._allows

    def forget(self) -> None:
        """Ask again next time: the project has just refused a guest."""
        self._due_at = None

    def _is_due(self) -> bool:
        due_at = self._due_at
        return due_at is None or self._clock() >= due_at

    def _renew(self) -> None:
        try:
            self._allows, wait = _allows_guests(self._ask()), self._fresh
        except IdentityUnavailable:
            self._allows, wait = False, self._pause
        self._due_at = self._clock() + wait


def _allows_guests(answer: dict[str, Any]) -> bool:
    external = answer.get("external")
    # A service that doesn't name it may be an older one: an attempt tells.
    named = external.get("anonymous_users") if isinstance(external, dict) else None
    return named is not False and answer.get("disable_signup") is not True
