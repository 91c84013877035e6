"""Write down what a build does, as it does it: lines, sections, and steps with their durations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from agentforge.redaction import LineRedactor, Redactor

from .quota import Allowance, Tail

Record = dict[str, object]
Write = Callable[[Record], None]

# A longer line is cut there.
LONGEST_LINE = 16 * 1024


def redactor(secrets: Iterable[str]) -> Redactor:
    """Return a function that blanks every secret value of at least 6 characters in a text."""
    return Redactor(secrets)


class BuildLog:
    """Turn what happens into records for one `write(record)`: without secrets, and within the limits.

    What a process writes beyond the limits is left out, but for its last lines: they come when the forge
    itself speaks next (a step, a section, a line of its own), or at `close()`.
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
        self._allowance = Allowance.of_settings()
        self.name = ""
        self.steps: list[dict[str, object]] = []
        self.state = "done"
        self._tail = Tail()
        self._warned = False
        self._redactors: dict[str, LineRedactor] = {}

    def line(self, stream: str, text: str) -> None:
        """Write one line; `stream` is `out`, `err`, or `sys` for the forge's own words."""
        if stream == "sys":
            self.say(text)
        else:
            self.lines(stream, [text])

    def lines(self, stream: str, texts: Sequence[str]) -> None:
        """Write consecutive lines of a process, faster than one by one."""
        fitting = len(texts)
        if self._tail:
            fitting = 0
        else:
            for at, text in enumerate(texts):
                if not self._allowance.take(text):
                    fitting = at
                    break
        if fitting:
            self._put(stream, texts[:fitting])
        if fitting < len(texts):
            self._leave_out(stream, texts[fitting:])

    def say(self, text: str) -> None:
        """Write a line in the forge's own words."""
        self._write({"kind": "line", "stream": "sys", "text": _cut(self._redact(text))})

    def mark(self, text: str) -> None:
        """Write a line of the forge that stands out: a recovery, a flood, who builds and why."""
        self._write({"kind": "line", "stream": "sys", "text": self._redact(text), "mark": True})

    def take(self, record: Record) -> None:
        """Write a record that another machine's log made, as if it had happened here.

        Raises ValueError for a kind that a build's log does not hold.
        """
        match record:
            case {"kind": "line", "stream": "out" | "err" as stream, "text": str(text)}:
                self.line(str(stream), text)
            case {"kind": "line", "stream": "sys", "text": str(text), "mark": True}:
                self.mark(text)
            case {"kind": "line", "stream": "sys", "text": str(text)}:
                self.say(text)
            case {"kind": "step", "name": str(name), "state": str(state)}:
                self._note({"name": name, "state": state, "ms": record.get("ms")})
            case _:
                raise ValueError(f"A build's log holds no record like {str(record)[:80]}.")

    def upload(self, name: str, sent: int, total: int) -> None:
        """Tell how many bytes of a file the artifact storage has."""
        self._write({"kind": "upload", "name": name, "sent": sent, "total": total})

    def status(self, status: str, error: str = "") -> None:
        record: Record = {"kind": "status", "status": status}
        self._write({**record, "error": self._redact(error)} if error else record)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Mark the body as one step: running, then done or failed with its milliseconds."""
        started = time.monotonic()
        self._note({"name": name, "state": "running"})
        state = "failed"
        try:
            yield
            state = "done"
        finally:
            self._note({"name": name, "state": state, "ms": round((time.monotonic() - started) * 1000)})

    @contextmanager
    def section(self, name: str) -> Iterator[BuildLog]:
        """Yield a log whose records belong to a section; sections may be open at the same time.

        Its `state` at the end is `done`, or `failed` after an exception; the body may set it, to `cached` for
        example. It has `steps` of its own.
        """
        log = BuildLog(self._write_record, self._redact, write_lines=self._write_records)
        log._allowance = self._allowance
        log.name = name
        started = time.monotonic()
        self._write_record({"kind": "section", "name": name, "state": "running"})
        try:
            yield log
        except BaseException:
            log.state = "failed"
            raise
        finally:
            log.close()
            ms = round((time.monotonic() - started) * 1000)
            self._write_record({"kind": "section", "name": name, "state": log.state, "ms": ms})

    def close(self) -> None:
        """Write what is still held back."""
        if self._tail:
            left_out, lines = self._tail.empty()
            if left_out:
                self.mark(f"{left_out:,} lines were left out here; the last {len(lines):,} follow.")
            for stream, text in lines:
                self._put(stream, [text])

    def _note(self, step: dict[str, object]) -> None:
        """Write a step's state, and keep it among `steps` in place of its earlier one."""
        step["name"] = self._redact(str(step["name"]))
        step = {key: value for key, value in step.items() if value is not None}
        if self.steps and self.steps[-1]["name"] == step["name"] and self.steps[-1]["state"] == "running":
            self.steps.pop()
        self.steps.append(step)
        self._write({"kind": "step", **step})

    def _leave_out(self, stream: str, texts: Sequence[str]) -> None:
        if not self._warned:
            self._warned = True
            self.mark("The log of this build has reached its limit. Of what follows, only the end is kept.")
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


def _cut(text: str) -> str:
    if len(text) <= LONGEST_LINE:
        return text
    return f"{text[:LONGEST_LINE]} … (cut here: {len(text) - LONGEST_LINE:,} more characters)"
