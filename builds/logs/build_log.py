"""The log of a build: lines, sections, and steps with their durations, written as they happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from agentforge.redaction import LineRedactor, Redactor

from .quota import Quota, Tail

Record = dict[str, object]
Write = Callable[[Record], None]

# Longer lines are cut.
LONGEST_LINE = 16 * 1024


def redactor(secrets: Iterable[str]) -> Redactor:
    """Return a function that blanks every secret value of at least 6 characters in a text."""
    return Redactor(secrets)


class BuildLog:
    """Passes redacted records to `write(record)`, within the limits of the log.

    Process output beyond the limits is omitted, except its last lines: they are written before the forge's
    next own record (a step, a section, a line) or at `close()`.
    """

    def __init__(
        self,
        write: Write,
        redact: Redactor | None = None,
        *,
        write_lines: Callable[[Sequence[Record]], None] | None = None,
    ) -> None:
        self._write_record = write
        self._write_records = write_lines
        self._redact = redact or Redactor()
        self._quota = Quota.from_settings()
        self.name = ""
        self.steps: list[dict[str, object]] = []
        self.state = "done"
        self._tail = Tail()
        self._warned = False
        self._redactors: dict[str, LineRedactor] = {}

    def line(self, stream: str, text: str) -> None:
        """Write one line; `stream` is `out`, `err`, or `sys` for the forge's own messages."""
        if stream == "sys":
            self.info(text)
        else:
            self.lines(stream, [text])

    def lines(self, stream: str, texts: Sequence[str]) -> None:
        """Write consecutive lines of a process, faster than one by one."""
        fitting = 0
        if not self._tail:
            fitting = next((at for at, text in enumerate(texts) if not self._quota.take(text)), len(texts))
        if fitting:
            self._put(stream, texts[:fitting])
        if fitting < len(texts):
            self._omit(stream, texts[fitting:])

    def info(self, text: str) -> None:
        """Write a message of the forge."""
        self._write({"kind": "line", "stream": "sys", "text": _cut(self._redact(text))})

    def highlight(self, text: str) -> None:
        """Write a highlighted message of the forge: a recovery, a reached limit, the choice of builder."""
        self._write({"kind": "line", "stream": "sys", "text": self._redact(text), "mark": True})

    def replay(self, record: Record) -> None:
        """Write a record of another machine's log, redacted and limited like local ones.

        Raises ValueError for a kind of record that a build's log does not contain.
        """
        match record:
            case {"kind": "line", "stream": "out" | "err" as stream, "text": str(text)}:
                self.line(str(stream), text)
            case {"kind": "line", "stream": "sys", "text": str(text), "mark": True}:
                self.highlight(text)
            case {"kind": "line", "stream": "sys", "text": str(text)}:
                self.info(text)
            case {"kind": "step", "name": str(name), "state": str(state)}:
                self._record_step({"name": name, "state": state, "ms": record.get("ms")})
            case _:
                raise ValueError(f"A build's log contains no record like {str(record)[:80]}.")

    def upload(self, name: str, sent: int, total: int) -> None:
        """Report how many bytes of a file the artifact storage has."""
        self._write({"kind": "upload", "name": name, "sent": sent, "total": total})

    def status(self, status: str, error: str = "") -> None:
        record: Record = {"kind": "status", "status": status}
        self._write({**record, "error": self._redact(error)} if error else record)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Log the block as one step: running, then done, failed or cancelled with its milliseconds."""
        started = time.monotonic()
        self._record_step({"name": name, "state": "running"})
        state = "failed"
        try:
            yield
            state = "done"
        except asyncio.CancelledError:
            state = "cancelled"
            raise
        finally:
            self._record_step({"name": name, "state": state, "ms": _ms_since(started)})

    @contextmanager
    def section(self, name: str) -> Iterator[BuildLog]:
        """Yield a log whose records belong to a section; several sections may be open at once.

        Its final `state` is `done`, or `failed` or `cancelled` after an exception; the block may set another,
        such as `cached`. It has its own `steps`.
        """
        log = BuildLog(self._write_record, self._redact, write_lines=self._write_records)
        log._quota = self._quota
        log.name = name
        started = time.monotonic()
        self._write_record({"kind": "section", "name": name, "state": "running"})
        try:
            yield log
        except BaseException as error:
            log.state = "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"
            raise
        finally:
            log.close()
            ms = _ms_since(started)
            self._write_record({"kind": "section", "name": name, "state": log.state, "ms": ms})

    def close(self) -> None:
        """Write the last lines of omitted output."""
        if self._tail:
            omitted, lines = self._tail.drain()
            if omitted:
                self.highlight(f"{omitted:,} lines were omitted here; the last {len(lines):,} follow.")
            for stream, text in lines:
                self._put(stream, [text])

    def _record_step(self, step: dict[str, object]) -> None:
        """Write a step's state; in `steps` it replaces the step's earlier state."""
        step["name"] = self._redact(str(step["name"]))
        step = {key: value for key, value in step.items() if value is not None}
        if self.steps and self.steps[-1]["name"] == step["name"] and self.steps[-1]["state"] == "running":
            self.steps.pop()
        self.steps.append(step)
        self._write({"kind": "step", **step})

    def _omit(self, stream: str, texts: Sequence[str]) -> None:
        if not self._warned:
            self._warned = True
            self.highlight(
                "The log of this build has reached its limit. Only the end of what follows is kept."
            )
        for text in texts:
            self._tail.add(stream, text[: 2 * LONGEST_LINE])

    def _put(self, stream: str, texts: Sequence[str]) -> None:
        redact = self._redactors.setdefault(stream, self._redact.lines())
        records = [
            self._in_section({"kind": "line", "stream": stream, "text": _cut(text)})
            for text in redact.many(texts)
        ]
        if self._write_records is not None:
            self._write_records(records)
        else:
            for record in records:
                self._write_record(record)

    def _write(self, record: Record) -> None:
        self.close()
        self._write_record(self._in_section(record))

    def _in_section(self, record: Record) -> Record:
        return {**record, "section": self.name} if self.name else record


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _cut(text: str) -> str:
    if len(text) <= LONGEST_LINE:
        return text
    return f"{text[:LONGEST_LINE]} … (cut here: {len(text) - LONGEST_LINE:,} more characters)"
