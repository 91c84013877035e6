"""Print a build's log to a terminal or a pipe, or as JSON for scripts."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

from .ansi import coloured, plain

Record = dict[str, Any]


class Console:
    """Prints records with times and colours on a terminal, and as plain lines in a pipe."""

    def __init__(self, out: OutputWrapper, style: Style, *, as_json: bool = False) -> None:
        self._out = out
        self._style = style
        self._as_json = as_json
        self._started = time.monotonic()
        self._first: float | None = None
        self._open: set[str] = set()

    def __call__(self, record: Record) -> None:
        self.show(record)

    def show(self, record: Record, prefix: str = "") -> None:
        """Print one record; `prefix` names its build when there are several."""
        if self._as_json:
            self._print(json.dumps(record, default=str))
        elif (text := self._text(record)) is not None:
            self._print(f"{self._elapsed(record)}{prefix}{self._section(record)}{text}")

    def info(self, text: str) -> None:
        """Print a line for people; it is left out of JSON output."""
        if not self._as_json:
            self._print(text)

    def result(self, **facts: Any) -> None:
        """Print the last line of JSON output."""
        if self._as_json:
            self._print(json.dumps({"kind": "result", **facts}, default=str))

    def _text(self, record: Record) -> str | None:
        match record["kind"]:
            case "line" if record.get("mark"):
                return self._style.WARNING(f"— {plain(record['text'])} —")
            case "line":
                label = self._style.WARNING("stderr ") if record["stream"] == "err" else ""
                return f"    {label}{self._sanitize(record['text'])}"
            case "section":
                return self._heading(record)
            case "step" if record["state"] == "running":
                return self._style.MIGRATE_HEADING(record["name"])
            case "step":
                return f"    {self._word(record['state'])} in {record['ms'] / 1000:.2f} s"
            case "status":
                return f"{self._word(record['status'])} {record.get('error', '')}".rstrip()
        return None

    def _sanitize(self, text: str) -> str:
        """Return a line that can't harm a terminal; colours are kept only where the output shows them."""
        if "\x1b" in text and self._out.isatty() and self._style.ERROR("x") != "x":
            return f"{coloured(text)}\x1b[0m"
        return plain(text)

    def _heading(self, record: Record) -> str:
        name, state = record["name"], record["state"]
        if state == "running":
            self._open.add(name)
            return self._style.MIGRATE_HEADING(f"== {name}")
        self._open.discard(name)
        took = f" in {record['ms'] / 1000:.2f} s" if "ms" in record else ""
        return f"== {name}: {self._word(state)}{took}"

    def _section(self, record: Record) -> str:
        """Return the record's section as a prefix while several sections are open."""
        return f"{record['section']} | " if record.get("section") and len(self._open) > 1 else ""

    def _word(self, state: str) -> str:
        if state == "failed":
            return self._style.ERROR(state)
        return self._style.SUCCESS(state) if state in ("done", "cached", "succeeded") else state

    def _elapsed(self, record: Record) -> str:
        """Return the time since the first record, or since the start; empty in a pipe."""
        if not self._out.isatty():
            return ""
        seconds = time.monotonic() - self._started
        if "t" in record:
            self._first = record["t"] if self._first is None else self._first
            seconds = record["t"] - self._first
        return f"{seconds:7.2f} s  "

    def _print(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
