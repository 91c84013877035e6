"""Say how far a long step is: one line that changes on a terminal, a line at the end in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.template.defaultfilters import filesizeformat

_PAUSE = 0.2  # seconds between two changes of a line


class Progress:
    """`write(text, ending)` prints."""

    def __init__(self, write: Callable[[str, str], None], *, is_terminal: bool) -> None:
        self._write = write
        self._is_terminal = is_terminal
        self._changed_at = float("-inf")

    def line(self, text: str) -> None:
        """Print a line that stays."""
        self._write(f"\r\x1b[K{text}" if self._is_terminal else text, "\n")

    def count(self, step: str, files: int, size: int) -> None:
        """Show how much of a step is done."""
        if self._is_terminal and time.monotonic() > self._changed_at + _PAUSE:
            self._changed_at = time.monotonic()
            self._write(f"\r\x1b[K{step}: {files} files, {size_of(size)} …", "")


def size_of(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")
