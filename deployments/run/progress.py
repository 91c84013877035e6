"""Count the bytes of an upload as they leave, and tell the page now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from deployments.hosts.base import Stopped

# Seconds between two records; a page needs no more.
_EVERY = 0.2


class Progress:
    """Gather what several uploads have sent, from any thread."""

    def __init__(
        self, write: Callable[[dict[str, Any]], None], stop: threading.Event, files: int, total: int
    ) -> None:
        self._write = write
        self._stop = stop
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._told = 0.0
        self.files = files
        self.total = total
        self.sent = 0
        self.done = 0

    def add(self, count: int) -> None:
        """Count bytes that left; less than none take back those of an attempt that failed.

        Raises Stopped when the work was cancelled: an upload ends in its middle.
        """
        if count > 0 and self._stop.is_set():
            raise Stopped
        with self._lock:
            self.sent += count
            if time.monotonic() - self._told >= _EVERY:
                self._tell()

    def file_done(self) -> None:
        with self._lock:
            self.done += 1
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        took = max(self._told - self._started, 0.001)
        rate = self.sent / took
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
