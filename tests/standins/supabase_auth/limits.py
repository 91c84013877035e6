from __future__ import annotations

import time
from collections.abc import Callable

# At once, and then per second: the service's defaults. Each is counted per network address.
BURST = 30.0
PER_SECOND = {
    "POST /token": 150 / 300,
    "POST /verify": 30 / 300,
    "GET /verify": 30 / 300,
    "POST /otp": 30 / 300,
    "POST /magiclink": 30 / 300,
    "POST /recover": 30 / 300,
    "POST /resend": 30 / 300,
    "POST /signup": 30 / 300,
    "PUT /user": 30 / 300,
}


class RequestLimits:
    """Token buckets, as the service fills them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, endpoint: str, address: str) -> bool:
        """Take a request out of its bucket; return False if that is empty."""
        if endpoint not in PER_SECOND:
            return True
        now = self._clock()
        # GET and POST of /verify share one.
        key = endpoint.partition(" ")[2], address
        left, since = self._buckets.get(key, (BURST, now))
        left = min(BURST, left + (now - since) * PER_SECOND[endpoint])
        self._buckets[key] = (left - 1 if left >= 1 else left), now
        return left >= 1
