"""Write down what a build does, as it does it: lines, and steps with their durations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Record = dict[str, object]


class BuildLog:
    """Turn what happens into records for one `write(record)`; every text passes `redact` first."""

    def __init__(self, write: Callable[[Record], None], redact: Callable[[str], str] = str) -> None:
        self._write = write
        self._redact = redact
        self.steps: list[dict[str, object]] = []

    def line(self, stream: str, text: str) -> None:
        """Write one line; `stream` is `out`, `err`, or `sys` for the forge's own words."""
        self._write({"kind": "line", "stream": stream, "text": self._redact(text)})

    def say(self, text: str) -> None:
        self.line("sys", text)

    def status(self, status: str, error: str = "") -> None:
        record: Record = {"kind": "status", "status": status}
        self._write({**record, "error": self._redact(error)} if error else record)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Mark the body as one step: running, then done or failed with its milliseconds."""
        started = time.monotonic()
        entry: dict[str, object] = {"name": name, "state": "running"}
        self.steps.append(entry)
        self._write({"kind": "step", **entry})
        state = "failed"
        try:
            yield
            state = "done"
        finally:
            entry |= {"state": state, "ms": round((time.monotonic() - started) * 1000)}
            self._write({"kind": "step", **entry})


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that blanks every secret value of at least 6 characters in a text."""
    hidden = sorted({value for value in secrets if len(value) >= 6}, key=len, reverse=True)

    def redact(text: str) -> str:
        for value in hidden:
            text = text.replace(value, "•••")
        return text

    return redact
