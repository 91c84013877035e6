"""Say of each statement at which size it breaks, the first one first, as a table."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .planner import Plan
from .statements import TIMEOUT_MS, Statement

# A page's statement; one that writes while others wait for its locks (requests wait for 3 s); other work.
PAGE_MS, LOCKING_MS, WORK_MS = 100.0, 3_000.0, 30_000.0
_SHOWN = 12


@dataclass
class Finding:
    """A statement at several sizes, where it is slowest at each, and the plans at the largest two."""

    slowest: dict[int, Statement]
    places: set[str]
    plan: Plan | None = None
    future: Plan | None = None

    @classmethod
    def of(cls, asked: Mapping[int, Sequence[Statement]]) -> Finding:
        """Take the place that waits longest: the median of what it asked, as other work goes on beside it."""
        places = {statement.place for statements in asked.values() for statement in statements}
        return cls({builds: _slowest(statements) for builds, statements in asked.items()}, places)

    @property
    def limit(self) -> float:
        if any(place.startswith(("GET", "POST", "live")) for place in self.places):
            return PAGE_MS
        return LOCKING_MS if self.future and self.future.written else WORK_MS

    def milliseconds(self, future: int) -> dict[int, float]:
        """Return the milliseconds by size: measured, and for `future` by the ratio of the planner's costs."""
        measured = {builds: statement.ms for builds, statement in sorted(self.slowest.items())}
        last = max(measured)
        if self.plan and self.future and measured[last] < TIMEOUT_MS:
            measured[future] = measured[last] * max(self.future.cost / max(self.plan.cost, 0.01), 1.0)
        return measured

    def breaks_at(self, future: int) -> float:
        """Return the number of builds at which it takes longer than its limit; infinity if it never does."""
        points = list(self.milliseconds(future).items())
        if points[0][1] > self.limit:
            return float(points[0][0])
        for (smaller, before), (larger, after) in itertools.pairwise(points):
            if after > self.limit:
                share = math.log(self.limit / before) / math.log(after / before)
                return float(smaller * (larger / smaller) ** share)
        return math.inf


def collect(statements: Mapping[int, Iterable[Statement]], tables: Sequence[str]) -> list[Finding]:
    """Return what was asked of these tables at all sizes, by the statement without its values."""
    asked: dict[str, dict[int, list[Statement]]] = {}
    names = re.compile(rf"(SELECT|WITH|INSERT|UPDATE|DELETE)\b.*\b({'|'.join(tables)})\b", re.S)
    for builds, each in statements.items():
        for statement in filter(lambda statement: names.match(statement.sql), each):
            asked.setdefault(statement.shape, {}).setdefault(builds, []).append(statement)
    return [Finding.of(by_size) for by_size in asked.values()]


def _slowest(statements: Sequence[Statement]) -> Statement:
    by_place: dict[str, list[Statement]] = {}
    for statement in statements:
        by_place.setdefault(statement.place, []).append(statement)
    medians = [sorted(each, key=lambda one: one.ms)[len(each) // 2] for each in by_place.values()]
    return max(medians, key=lambda statement: statement.ms)


def table(findings: Sequence[Finding], future: int) -> Iterator[str]:
    """Yield the lines of the table: what breaks, by size, and then the slowest of what doesn't."""
    sizes = sorted({builds for finding in findings for builds in finding.slowest})
    heads = [f"{builds:,} builds" for builds in (*sizes, future)]
    yield f"| Breaks at | Asked by | Statement | {' | '.join(heads)} | It reads, then |"
    yield f"|{'---|' * (len(heads) + 4)}"
    order = sorted(
        findings, key=lambda each: (each.breaks_at(future), -max(each.milliseconds(future).values()))
    )
    broken = sum(each.breaks_at(future) < math.inf for each in order)
    for finding in order[: broken + _SHOWN]:
        yield _row(finding, [*sizes, future], future)


def _row(finding: Finding, sizes: Sequence[int], future: int) -> str:
    at, taken = finding.breaks_at(future), finding.milliseconds(future)
    when = "no" if at == math.inf else f"{_rounded(at):,}"
    cells = [_time(taken.get(builds)) for builds in sizes]
    place, others = min(finding.places), len(finding.places) - 1
    where = f"{place}, {others} more" if others else place
    reads = finding.future.reads if finding.future else ""
    return f"| {when} | {where} | `{_brief(finding)}` | {' | '.join(cells)} | {reads} |"


def _brief(finding: Finding) -> str:
    statement = finding.slowest[max(finding.slowest)].shape.partition(" ")[2].replace('"', "")
    columns = re.sub(r"^SELECT (?!count|max|min).*? FROM ", "SELECT … FROM ", statement, flags=re.IGNORECASE)
    return columns.replace("|", "¦")[:150]


def _time(ms: float | None) -> str:
    if ms is None:
        return ""
    if ms >= TIMEOUT_MS:
        return f"{ms / 1000:,.0f} s" if ms > TIMEOUT_MS else "> 60 s"
    return f"{ms / 1000:,.1f} s" if ms >= 1000 else f"{ms:,.1f} ms"


def _rounded(number: float) -> int:
    """Return a number with two digits."""
    return int(float(f"{number:.2g}"))
