"""Show a build's records in a terminal, in a pipe, or as JSON for scripts."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

Record = dict[str, Any]


class Console:
    """Print records as they come: with times and colours on a terminal, plain lines in a pipe."""

    def __init__(self, out: OutputWrapper, style: Style, *, as_json: bool = False) -> None:
        self._out = out
        self._style = style
        self._as_json = as_json
        self._started = time.monotonic()

    def __call__(self, record: Record) -> None:
        self.show(record)

    def show(self, record: Record, prefix: str = "") -> None:
        """Print one record; `prefix` says whose it is where there are several."""
        if self._as_json:
            self._print(json.dumps(record, default=str))
        elif (text := self._text(record)) is not None:
            self._print(f"{self._elapsed()}{prefix}{text}")

    def say(self, text: str) -> None:
        """Print a line for people; scripts that asked for JSON do not get it."""
        if not self._as_json:
            self._print(text)

    def result(self, **facts: Any) -> None:
        """Print the last line for scripts."""
        if self._as_json:
            self._print(json.dumps({"kind": "result", **facts}, default=str))

    def _text(self, record: Record) -> str | None:
        match record["kind"]:
            case "line":
                mark = self._style.WARNING("stderr ") if record["stream"] == "err" else ""
                return f"    {mark}{record['text']}"
            case "step" if record["state"] == "running":
                return self._style.MIGRATE_HEADING(record["name"])
            case "step":
                return f"    {self._word(record['state'])} in {record['ms'] / 1000:.2f} s"
            case "status":
                return f"{self._word(record['status'])} {record.get('error', '')}".rstrip()
        return None

    def _word(self, state: str) -> str:
        if state == "failed":
            return self._style.ERROR(state)
        return self._style.SUCCESS(state) if state in ("done", "succeeded") else state

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:7.2f} s  " if self._out.isatty() else ""

    def _print(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
