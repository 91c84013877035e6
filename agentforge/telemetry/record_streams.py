"""Print records alone with LOG_FORMAT=json, whoever prints: the command, Django, Python."""

from __future__ import annotations

import io
import logging
import sys
import threading
from typing import TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, OutputWrapper

from .log_formats import JsonFormatter
from .records import is_record


class RecordStream(io.TextIOBase):
    """Makes a record of each line that is written to it, unless it is one: Django sets its log up again."""

    def __init__(self, stream: TextIO, level: int) -> None:
        self._stream = stream
        name = logging.getLevelName(level)
        self._usual = {"name": "agentforge.output", "levelno": level, "levelname": name}
        self._formatter = JsonFormatter()
        self._begun = ""
        self._writing = threading.Lock()

    def write(self, text: str) -> int:
        """Take a part of a line, or several; return the number of characters."""
        with self._writing:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in filter(str.strip, lines):
                self._stream.write(f"{line if is_record(line) else self._recorded(line)}\n")
        return len(text)

    def _recorded(self, line: str) -> str:
        return self._formatter.format(logging.makeLogRecord({**self._usual, "msg": line}))

    def flush(self) -> None:
        """Pass on what is a whole line."""
        self._stream.flush()

    def fileno(self) -> int:
        """Return the descriptor that it writes to."""
        return self._stream.fileno()


class RecordingCommand(BaseCommand):
    """A command that runs until it is told to end, and whose output is a log."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run, as a process of its own."""
        if settings.LOG_FORMAT == "json":
            sys.stdout = cast(TextIO, RecordStream(sys.stdout, logging.INFO))
            sys.stderr = cast(TextIO, RecordStream(sys.stderr, logging.ERROR))
            self.stdout, self.stderr = OutputWrapper(sys.stdout), OutputWrapper(sys.stderr)
        super().run_from_argv(argv)
