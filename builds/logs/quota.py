"""The limits of a build's log; output beyond them is omitted, except its last lines."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from django.conf import settings


@dataclass
class Quota:
    """The lines and characters that a build's processes may still write, all sections together."""

    lines: int
    size: int

    @classmethod
    def from_settings(cls) -> Quota:
        return cls(settings.BUILD_LOG_LINES, settings.BUILD_LOG_MB * 1024 * 1024)

    def take(self, text: str) -> bool:
        """Charge a line to the quota; return False when the quota is used up."""
        if self.lines <= 0 or self.size <= 0:
            return False
        self.lines -= 1
        self.size -= len(text) + 1
        return True


class Tail:
    """The last lines of the omitted output."""

    def __init__(self) -> None:
        self._lines: deque[tuple[str, str]] = deque(maxlen=settings.BUILD_LOG_TAIL)
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, stream: str, text: str) -> None:
        self._count += 1
        self._lines.append((stream, text))

    def drain(self) -> tuple[int, list[tuple[str, str]]]:
        """Remove and return the last lines, after the number of lines omitted before them."""
        lines, omitted = list(self._lines), self._count - len(self._lines)
        self._lines.clear()
        self._count = 0
        return omitted, lines
