"""Keep a build's log within limits: what comes after them is left out, but for its end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from django.conf import settings


@dataclass
class Allowance:
    """Say how much a build's processes may still write, all of its sections together."""

    lines: int
    size: int

    @classmethod
    def of_settings(cls) -> Allowance:
        return cls(settings.BUILD_LOG_LINES, settings.BUILD_LOG_MB * 1024 * 1024)

    def take(self, text: str) -> bool:
        """Take a line's part; False when there is nothing left of it."""
        if self.lines <= 0 or self.size <= 0:
            return False
        self.lines -= 1
        self.size -= len(text) + 1
        return True


class Tail:
    """Hold the last lines of what a log could not take."""

    def __init__(self) -> None:
        self._lines: deque[tuple[str, str]] = deque(maxlen=settings.BUILD_LOG_TAIL)
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, stream: str, text: str) -> None:
        self._count += 1
        self._lines.append((stream, text))

    def empty(self) -> tuple[int, list[tuple[str, str]]]:
        """Return how many lines are left out, and the last ones, which are not; hold nothing any more."""
        lines, left_out = list(self._lines), self._count - len(self._lines)
        self._lines.clear()
        self._count = 0
        return left_out, lines
