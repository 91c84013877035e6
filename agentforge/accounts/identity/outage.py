from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from agentforge.accounts.errors import IdentityUnavailable

T = TypeVar("T")

PAUSE_SECONDS = 5.0


class Outage:
    """Remember for a moment that a service did not answer, so that not every request waits for it in turn.

    Only for what happens in the background of a request: who signs in asks the service itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def guard(self, url: str, do: Callable[[], T]) -> T:
        """Do something that asks the service at `url`; raise IdentityUnavailable at once while it is out."""
        if self._clock() < self._until.get(url, 0.0):
            raise IdentityUnavailable("The identity service did not answer a moment ago.")
        try:
            return do()
        except IdentityUnavailable:
            self._until[url] = self._clock() + PAUSE_SECONDS
            raise
