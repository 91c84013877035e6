"""Cut a build's log into pages for the server to render, part by part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .ansi import spans
from .index import Index, Line, Part, read_lines

PAGE_LINES = 500
# Sections that went well are folded when there are several.
_QUIET = ("done", "cached")


@dataclass
class Shown:
    """Hold what a page shows of a part: its lines, and where else the part has some."""

    part: Part
    open: bool
    page: int
    lines: list[Line] = field(default_factory=list)


@dataclass
class LogPage:
    """Hold one page of a log; `number` counts from 1."""

    index: Index
    number: int
    last: int
    errors: bool
    parts: list[Shown] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """Return the pages to link: the ends, and those around this one."""
        near = {1, self.last, *range(self.number - 2, self.number + 3)}
        return sorted(number for number in near if 1 <= number <= self.last)

    @property
    def first_error_page(self) -> int | None:
        found = self.index.first_error
        return page_of(self.index, found) if found is not None else None


def log_page(index: Index, number: int | None, *, errors: bool = False) -> LogPage:
    """Return a page of a log; without a number the first, or the last while the log still grows.

    Parts follow each other, whatever came when.
    """
    total = sum(part.size(errors=errors) for part in index.parts)
    last = max(-(-total // PAGE_LINES), 1)
    page = LogPage(index, min(number or (1 if index.ended else last), last), last, errors)
    first, end = (page.number - 1) * PAGE_LINES, page.number * PAGE_LINES
    several = len(index.numbers) > 1
    before = 0
    for part in index.parts:
        size = part.size(errors=errors)
        unfolded = not several or part.state not in _QUIET
        shown = Shown(part, unfolded, before // PAGE_LINES + 1)
        if before < end and before + size > first:
            start, stop = max(first - before, 0) + 1, min(end - before, size)
            lines = read_lines(index, start, stop, part=part.number, errors=errors)
            shown.lines = with_spans(lines, index.started)
        before += size
        page.parts.append(shown)
    return page


def page_of(index: Index, number: int) -> int:
    """Return the page that a line is on."""
    found = read_lines(index, number, number)
    return page_at(index, found[0]) if found else 1


def page_at(index: Index, line: Line) -> int:
    """Return the page of a line that was read with its place in its part."""
    before = 0
    for part in index.parts:
        if part.number == line["part"]:
            break
        before += part.lines
    return (before + int(line["i"]) - 1) // PAGE_LINES + 1


def with_spans(lines: Iterable[Line], started: float | None = None) -> list[dict[str, Any]]:
    """Add to lines what a template shows of them: coloured spans, the clock, and the time since the start."""
    return [
        {
            **line,
            "spans": spans(line["text"]),
            "clock": datetime.fromtimestamp(line["t"], UTC).strftime("%H:%M:%S.%f")[:-3],
            "since": f"{line['t'] - (line['t'] if started is None else started):.2f} s",
        }
        for line in lines
    ]
