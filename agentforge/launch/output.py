"""What `make run` prints: the lines of its programs and its own, as text or as JSON (LOG_FORMAT)."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

from honcho.printer import Message, Printer

from agentforge.telemetry.records import is_record

_LAUNCHER = "launcher"


class TextOutput:
    """Puts the time and the program's name before each line."""

    def __init__(self, width: int) -> None:
        self._printer = Printer(width=width)
        self._printing = threading.Lock()

    def program(self, name: str, colour: str, line: bytes) -> None:
        """Print a line of a program."""
        with self._printing:
            self._printer.write(Message("line", line, datetime.now().astimezone(), name, colour))

    def own(self, text: str) -> None:
        """Print a line of the launcher."""
        with self._printing:
            print(text, flush=True)


class JsonOutput:
    """Passes JSON lines on as they are, and makes one of every other line."""

    def __init__(self) -> None:
        self._printing = threading.Lock()

    def program(self, name: str, colour: str, line: bytes) -> None:
        """Print a line of a program."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text:
            self._print(text if is_record(text) else _record(name, text))

    def own(self, text: str) -> None:
        """Print a line of the launcher."""
        self._print(_record(_LAUNCHER, text))

    def _print(self, line: str) -> None:
        with self._printing:
            print(line, flush=True)


def _record(process: str, text: str) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    usual = {"time": now, "level": "info", "logger": "agentforge.output"}
    return json.dumps({**usual, "message": text, "process": process}, ensure_ascii=False)
