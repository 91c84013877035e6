"""An index of a build's log, so that any range of it can be read directly.

It is built by reading the log once, cached in memory, and extended as the log grows.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from agentforge.live import streams
from agentforge.live.log import LoggedChunk, StreamMissing
from agentforge.live.models import Stream

from .ansi import plain

Line = dict[str, Any]

# Part numbers of the lines outside sections, before and after the first section; sections count from 1.
BEFORE, AFTER = 0, -1
MOST_LOGS = 32
# The state of a section or a step that its worker left in the middle.
STOPPED = "stopped"
# Compilers also report progress on stderr: an error contains one of these words or a file:line:column.
_ERROR = re.compile(r"\b(error|panic|fatal|failed|cannot|undefined)\b|\.\w+:\d+:\d+: ", re.IGNORECASE)


@dataclass
class Part:
    """A section of a log, or its lines outside sections; `errors` counts the stderr lines among `lines`."""

    number: int
    name: str = ""
    state: str = ""
    ms: int | None = None
    lines: int = 0
    errors: int = 0

    def size(self, *, errors: bool) -> int:
        return self.errors if errors else self.lines


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The counts before a chunk: all lines, and per part the lines and how many of them are stderr."""

    last: int
    lines: int
    parts: dict[int, tuple[int, int]]


@dataclass
class Index:
    """The line counts of a log up to `position`."""

    name: str
    created_at: datetime | None = None
    position: int = 0
    ended: bool = False
    lines: int = 0
    first_error: int | None = None
    started: float | None = None
    steps: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    by_number: dict[int, Part] = field(default_factory=lambda: {BEFORE: Part(BEFORE), AFTER: Part(AFTER)})
    numbers: dict[str, int] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """Return the parts in display order."""
        return [self.by_number[number] for number in (BEFORE, *self.numbers.values(), AFTER)]

    def copy(self) -> Index:
        """Return a copy that later chunks do not change."""
        return replace(
            self,
            by_number={number: replace(part) for number, part in self.by_number.items()},
            numbers=dict(self.numbers),
            checkpoints=list(self.checkpoints),
            steps=dict(self.steps),
        )

    def add(self, chunk: LoggedChunk) -> None:
        """Extend the index by the next chunk."""
        before = {number: (part.lines, part.errors) for number, part in self.by_number.items()}
        self.checkpoints.append(Checkpoint(chunk.last, self.lines, before))
        for _, record in chunk.records_after(self.position):
            match record["kind"]:
                case "line":
                    self._line(record)
                case "step":
                    self.steps[record.get("section", ""), record["name"]] = record
                case "section":
                    self._section(record)
                case "status" if record["status"] != "running":
                    self._stop()
                case "end":
                    self.ended = True
        self.position = chunk.last

    def _section(self, record: dict[str, Any]) -> None:
        part = self.part_of({"section": record["name"]})
        part.state, part.ms = record["state"], record.get("ms")
        if part.state == "running":
            # Its steps begin anew after an attempt whose worker died.
            self.steps = {key: step for key, step in self.steps.items() if key[0] != record["name"]}

    def _stop(self) -> None:
        """Note that nothing runs: what a dead worker left open is not going on."""
        for part in self.by_number.values():
            if part.state == "running":
                part.state = STOPPED
        self.steps = {
            key: {**step, "state": STOPPED} if step["state"] == "running" else step
            for key, step in self.steps.items()
        }

    def part_of(self, record: dict[str, Any], *, sections: bool | None = None) -> Part:
        """Return the part of a line; `sections` says whether a section began before it (default: by now)."""
        name = record.get("section", "")
        if not name:
            begun = bool(self.numbers) if sections is None else sections
            return self.by_number[AFTER if begun else BEFORE]
        if name not in self.numbers:
            number = self.numbers[name] = len(self.numbers) + 1
            self.by_number[number] = Part(number, name, "running")
        return self.by_number[self.numbers[name]]

    def _line(self, record: dict[str, Any]) -> None:
        part = self.part_of(record)
        self.lines += 1
        part.lines += 1
        if self.started is None:
            self.started = record["t"]
        if record["stream"] == "err":
            part.errors += 1
            if self.first_error is None and _ERROR.search(plain(record["text"])):
                self.first_error = self.lines


class _CachedIndex:
    """An index in the cache; the lock guards its extension."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.lock = threading.Lock()


_cache: OrderedDict[str, _CachedIndex] = OrderedDict()
_cache_lock = threading.Lock()


def index_of(name: str) -> Index:
    """Return the index of a stream's log up to its current end; an empty one for a missing log."""
    stream = Stream.objects.filter(pk=name).first()
    if stream is None:
        return Index(name)
    with _cache_lock:
        cached = _cache.pop(name, None)
        if cached is None or cached.index.created_at != stream.created_at:
            cached = _CachedIndex(Index(name, stream.created_at))
        _cache[name] = cached
        while len(_cache) > MOST_LOGS:
            _cache.popitem(last=False)
    with cached.lock:
        if cached.index.position < stream.last_seq:
            try:
                for chunk in streams.chunks(name, after=cached.index.position):
                    cached.index.add(chunk)
            except StreamMissing:
                return Index(name)
        return cached.index.copy()


def read_lines(
    index: Index, first: int, last: int, *, part: int | None = None, errors: bool = False
) -> list[Line]:
    """Return the lines `first` to `last`, counted from 1: of the log, of one part, or of their stderr only.

    Each line has its number `n` in the log, its `part`, and its position `i` in the part (or its stderr).
    """
    chunks = _chunks_with(index, first, last, part, errors=errors)
    place = _lines_before(index.checkpoints[chunks[0]], part, errors=errors) if chunks else 0
    lines: list[Line] = []
    for at, chunk in read_chunks(index, chunks):
        for line in number_lines(index, at, chunk, errors=errors):
            if part in (None, line["part"]) and not (errors and line["stream"] != "err"):
                place += 1
                if first <= place <= last:
                    lines.append(line)
    return lines


def _lines_before(checkpoint: Checkpoint, part: int | None, *, errors: bool) -> int:
    if part is not None:
        return checkpoint.parts.get(part, (0, 0))[errors]
    return sum(count[1] for count in checkpoint.parts.values()) if errors else checkpoint.lines


def _chunks_with(index: Index, first: int, last: int, part: int | None, *, errors: bool) -> list[int]:
    """Return the positions in `checkpoints` of the chunks that contain some of these lines."""
    counts = [_lines_before(checkpoint, part, errors=errors) for checkpoint in index.checkpoints]
    end = bisect_right(counts, last - 1)
    start = max(bisect_right(counts, first - 1) - 1, 0)
    # A chunk without any such line starts and ends at the same count.
    return [at for at in range(start, end) if at == len(counts) - 1 or counts[at] < counts[at + 1]]


def number_lines(index: Index, at: int, chunk: LoggedChunk, *, errors: bool = False) -> Iterator[Line]:
    """Yield the numbered lines of the chunk at position `at` in `checkpoints`."""
    checkpoint = index.checkpoints[at]
    number = checkpoint.lines
    counts = {part: list(count) for part, count in checkpoint.parts.items()}
    begun = len(checkpoint.parts) > 2
    for _, record in chunk.records_after(0):
        if record["kind"] == "section":
            begun = True
        if record["kind"] != "line":
            continue
        number += 1
        part = index.part_of(record, sections=begun).number
        begun = begun or part > 0
        count = counts.setdefault(part, [0, 0])
        count[0] += 1
        count[1] += record["stream"] == "err"
        yield {**record, "n": number, "part": part, "i": count[errors]}


def read_chunks(index: Index, positions: list[int], batch: int = 16) -> Iterator[tuple[int, LoggedChunk]]:
    """Yield the chunks at these positions in `checkpoints`, each with its position; reads in batches."""
    for start in range(0, len(positions), batch):
        by_last = {index.checkpoints[at].last: at for at in positions[start : start + batch]}
        for chunk in streams.chunks_ending(index.name, list(by_last)):
            yield by_last[chunk.last], chunk
