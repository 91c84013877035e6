"""Know where in a build's log which line is, so that any part of it can be read at once.

The index of a log is made by reading it once, kept in memory, and continued when the log has grown.
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

# Lines before the first section and lines of no section after it; sections count from 1 between them.
BEFORE, AFTER = 0, -1
MOST_LOGS = 32
# Compilers tell progress on stderr too: an error says so, or names a file with line and column.
_ERROR = re.compile(r"\b(error|panic|fatal|failed|cannot|undefined)\b|\.\w+:\d+:\d+: ", re.IGNORECASE)


@dataclass
class Part:
    """Hold a section of a log, or the lines of none: how many there are, and how many of them are stderr."""

    number: int
    name: str = ""
    state: str = ""
    ms: int | None = None
    lines: int = 0
    errors: int = 0

    def size(self, *, errors: bool) -> int:
        return self.errors if errors else self.lines


@dataclass(frozen=True, slots=True)
class Spot:
    """Say what comes before a chunk: lines in all, and in each part (lines, of them stderr)."""

    last: int
    lines: int
    parts: dict[int, tuple[int, int]]


@dataclass
class Index:
    """Hold the numbers of a log up to `position`."""

    name: str
    created_at: datetime | None = None
    position: int = 0
    ended: bool = False
    lines: int = 0
    first_error: int | None = None
    started: float | None = None
    steps: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    found: dict[int, Part] = field(default_factory=lambda: {BEFORE: Part(BEFORE), AFTER: Part(AFTER)})
    numbers: dict[str, int] = field(default_factory=dict)
    spots: list[Spot] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """Return the parts in the order in which they are shown."""
        return [self.found[number] for number in (BEFORE, *self.numbers.values(), AFTER)]

    def copy(self) -> Index:
        """Return the index as it is now, which further chunks do not change."""
        found = {number: replace(part) for number, part in self.found.items()}
        return replace(
            self, found=found, numbers=dict(self.numbers), spots=list(self.spots), steps=dict(self.steps)
        )

    def add(self, chunk: LoggedChunk) -> None:
        """Go on behind a further chunk."""
        before = {number: (part.lines, part.errors) for number, part in self.found.items()}
        self.spots.append(Spot(chunk.last, self.lines, before))
        for _, record in chunk.records_after(self.position):
            match record["kind"]:
                case "line":
                    self._line(record)
                case "step":
                    self.steps[record.get("section", ""), record["name"]] = record
                case "section":
                    part = self.part_of({"section": record["name"]})
                    part.state, part.ms = record["state"], record.get("ms")
                case "end":
                    self.ended = True
        self.position = chunk.last

    def part_of(self, record: dict[str, Any], *, sections: bool | None = None) -> Part:
        """Return the part that a line belongs to; `sections` says whether a section had begun before it."""
        name = record.get("section", "")
        if not name:
            begun = bool(self.numbers) if sections is None else sections
            return self.found[AFTER if begun else BEFORE]
        if name not in self.numbers:
            number = self.numbers[name] = len(self.numbers) + 1
            self.found[number] = Part(number, name, "running")
        return self.found[self.numbers[name]]

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


class _Kept:
    """Hold a log's index for whoever asks next; the lock is held while it grows."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.lock = threading.Lock()


_kept: OrderedDict[str, _Kept] = OrderedDict()
_kept_lock = threading.Lock()


def index_of(name: str) -> Index:
    """Return the index of a stream's log up to its present end; an empty one for a log that is gone."""
    stream = Stream.objects.filter(pk=name).first()
    if stream is None:
        return Index(name)
    with _kept_lock:
        kept = _kept.pop(name, None)
        if kept is None or kept.index.created_at != stream.created_at:
            kept = _Kept(Index(name, stream.created_at))
        _kept[name] = kept
        while len(_kept) > MOST_LOGS:
            _kept.popitem(last=False)
    with kept.lock:
        if kept.index.position < stream.last_seq:
            try:
                for chunk in streams.chunks(name, after=kept.index.position):
                    kept.index.add(chunk)
            except StreamMissing:
                return Index(name)
        return kept.index.copy()


def read_lines(
    index: Index, first: int, last: int, *, part: int | None = None, errors: bool = False
) -> list[Line]:
    """Return the lines `first` to `last`, counted from 1, of the log or of one part, or of its stderr.

    Each has its number `n` in the log, its `part`, and its place `i` in the part (or the part's stderr).
    """
    wanted = _chunks_of(index, first, last, part, errors=errors)
    place = _before(index.spots[wanted[0]], part, errors=errors) if wanted else 0
    found: list[Line] = []
    for line in numbered(index, wanted, errors=errors):
        if part in (None, line["part"]) and not (errors and line["stream"] != "err"):
            place += 1
            if first <= place <= last:
                found.append(line)
    return found


def _before(spot: Spot, part: int | None, *, errors: bool) -> int:
    if part is not None:
        return spot.parts.get(part, (0, 0))[errors]
    return sum(count[1] for count in spot.parts.values()) if errors else spot.lines


def _chunks_of(index: Index, first: int, last: int, part: int | None, *, errors: bool) -> list[int]:
    """Return the positions in `spots` of the chunks that hold some of the lines asked for."""
    counts = [_before(spot, part, errors=errors) for spot in index.spots]
    end = bisect_right(counts, last - 1)
    start = max(bisect_right(counts, first - 1) - 1, 0)
    # A chunk without any such line begins and ends at the same count.
    return [at for at in range(start, end) if at == len(counts) - 1 or counts[at] < counts[at + 1]]


def numbered(index: Index, wanted: list[int], *, errors: bool = False) -> Iterator[Line]:
    """Yield the lines of some chunks with their numbers."""
    for at, chunk in read_chunks(index, wanted):
        yield from number_lines(index, at, chunk, errors=errors)


def number_lines(index: Index, at: int, chunk: LoggedChunk, *, errors: bool = False) -> Iterator[Line]:
    """Yield the lines of the chunk that is at a position in `spots`, with their numbers."""
    spot = index.spots[at]
    number = spot.lines
    counts = {part: list(count) for part, count in spot.parts.items()}
    begun = len(spot.parts) > 2
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


def read_chunks(index: Index, wanted: list[int], portion: int = 16) -> Iterator[tuple[int, LoggedChunk]]:
    """Yield chunks with their positions in `spots`, a few at a time."""
    for start in range(0, len(wanted), portion):
        places = {index.spots[at].last: at for at in wanted[start : start + portion]}
        for chunk in streams.chunks_ending(index.name, list(places)):
            yield places[chunk.last], chunk
