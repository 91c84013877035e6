from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from agentforge.accounts.errors import IdentityBusy, IdentityUnavailable

T = TypeVar("T")

PAUSE_SECONDS = 5.0


class Outage:
    """A circuit breaker: after a failure, calls fail at once for PAUSE_SECONDS instead of each waiting.

    Only for calls in the background of a request; an explicit sign-in always asks the service.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def guard(self, url: str, do: Callable[[], T]) -> T:
        """Make a call to the service at `url`; raise IdentityUnavailable at once during an outage."""
        if self._clock() < self._until.get(url, 0.0):
            raise IdentityUnavailable("The identity service did not answer a moment ago.")
        try:
            return do()
        except IdentityBusy:
            # It answers: nobody else has to wait.
            raise
        except IdentityUnavailable:
            self._until[url] = self._clock() + PAUSE_SECONDS
            raise
