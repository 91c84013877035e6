"""Say what a step of a migration did, for people."""

from __future__ import annotations

from collections.abc import Iterator

from converter.routes.report import lines_about

from .migration import Report


def told(report: Report) -> Iterator[str]:
    """Yield the lines of a step: what it found or did, then what is left to do by hand."""
    yield from report.lines
    for problem in report.problems:
        yield from lines_about(problem)
    if report.written:
        yield f"{len(report.written)} files written."
