"""Count the bytes of an upload, and report them to the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from deployments.hosts.base import Stopped

# Seconds between two reports.
_EVERY = 0.2


class Progress:
    """The progress of several uploads; thread-safe."""

    def __init__(
        self, write: Callable[[dict[str, Any]], None], stop: threading.Event, files: int, total: int
    ) -> None:
        self._write = write
        self._stop = stop
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._reported = 0.0
        self.files = files
        self.total = total
        self.sent = 0
        self.done = 0

    def add(self, count: int) -> None:
        """Count bytes sent; a negative count takes back those of a failed attempt.

        Raises Stopped, which ends an upload half-way, when the deployment is to stop.
        """
        if count > 0 and self._stop.is_set():
            raise Stopped
        with self._lock:
            self.sent += count
            if time.monotonic() - self._reported >= _EVERY:
                self._report()

    def file_done(self) -> None:
        with self._lock:
            self.done += 1
            self._report()

    def _report(self) -> None:
        self._reported = time.monotonic()
        rate = self.sent / max(self._reported - self._started, 0.001)
        self._write(
            {
                "kind": "progress",
                "sent": self.sent,
                "total": self.total,
                "files": self.done,
                "of": self.files,
                "rate": round(rate),
                "left": round((self.total - self.sent) / rate, 1) if rate > 0 else None,
            }
        )
