"""Read what a process logs as it comes: it would halt once a pipe that nobody reads is full."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import IO


class LogLines:
    """The lines of a pipe, each once; iterating waits for the next one until the last writer has gone."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._pipe as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines.get, "")

    def close(self) -> None:
        """Wait for the pipe's end, which comes soon after that of its process."""
        self._reader.join(60)
