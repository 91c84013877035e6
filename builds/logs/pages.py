"""Split a build's log into pages that the server renders, part by part."""

from __future__ import annotations

from dataclasses import dataclass, field

from .index import Index, Line, Part, read_lines

PAGE_LINES = 500
# With several sections, those in these states are folded.
_FOLDED = ("done", "cached")


@dataclass
class PartView:
    """A part on a page: its lines there, and `page`, where the part starts."""

    part: Part
    open: bool
    page: int
    lines: list[Line] = field(default_factory=list)


@dataclass
class LogPage:
    """One page of a log; `number` counts from 1."""

    index: Index
    number: int
    last: int
    errors: bool
    parts: list[PartView] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """Return the pages to link to: the first, the last, and those around this one."""
        candidates = {1, self.last, *range(self.number - 2, self.number + 3)}
        return sorted(number for number in candidates if 1 <= number <= self.last)

    @property
    def first_error_page(self) -> int | None:
        line = self.index.first_error
        return page_of(self.index, line) if line is not None else None


def log_page(index: Index, number: int | None, *, errors: bool = False) -> LogPage:
    """Return a page of a log; by default the first, or the last while the log is growing.

    Pages go part by part, not in the order in which lines were written.
    """
    total = sum(part.size(errors=errors) for part in index.parts)
    last = max(-(-total // PAGE_LINES), 1)
    page = LogPage(index, min(number or (1 if index.ended else last), last), last, errors)
    first, end = (page.number - 1) * PAGE_LINES, page.number * PAGE_LINES
    several = len(index.numbers) > 1
    before = 0
    for part in index.parts:
        size = part.size(errors=errors)
        unfolded = not several or part.state not in _FOLDED
        view = PartView(part, unfolded, before // PAGE_LINES + 1)
        if before < end and before + size > first:
            start, stop = max(first - before, 0) + 1, min(end - before, size)
            view.lines = read_lines(index, start, stop, part=part.number, errors=errors)
        before += size
        page.parts.append(view)
    return page


def page_of(index: Index, number: int) -> int:
    """Return the page that shows line `number`."""
    lines = read_lines(index, number, number)
    return page_at(index, lines[0]) if lines else 1


def page_at(index: Index, line: Line) -> int:
    """Return the page that shows a line, by the line's position in its part."""
    before = 0
    for part in index.parts:
        if part.number == line["part"]:
            break
        before += part.lines
    return (before + int(line["i"]) - 1) // PAGE_LINES + 1
