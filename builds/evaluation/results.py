"""The results of a run, case by case, as they are stored, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from builds.models import EvaluationRun

from .statistics import mcnemar, wilson

# Of an answer; the whole one is not kept.
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Trial:
    """One trial: why it failed (empty: it passed), and what the agent did."""

    failures: tuple[str, ...]
    text: str
    tools: tuple[str, ...]
    seconds: float
    tokens: int


@dataclass(frozen=True)
class CaseResult:
    name: str
    trials: tuple[Trial, ...]

    @property
    def passed(self) -> int:
        return sum(not trial.failures for trial in self.trials)

    @property
    def holds(self) -> bool:
        """Whether all trials passed (pass^k)."""
        return self.passed == len(self.trials)


@dataclass(frozen=True)
class Comparison:
    """The cases of two runs that went differently, and the p-value of McNemar's test."""

    earlier: EvaluationRun
    broken: tuple[str, ...]
    mended: tuple[str, ...]
    p: float


@dataclass(frozen=True)
class Summary:
    """What a run says: `low` and `high` bound the rate of passed trials with 95 % confidence, from 0 to 1."""

    cases: tuple[CaseResult, ...]
    comparison: Comparison | None = None

    @property
    def trials(self) -> int:
        return sum(len(case.trials) for case in self.cases)

    @property
    def passed(self) -> int:
        return sum(case.passed for case in self.cases)

    @property
    def cases_passed(self) -> int:
        return sum(case.holds for case in self.cases)

    @property
    def low(self) -> float:
        return wilson(self.passed, self.trials)[0]

    @property
    def high(self) -> float:
        return wilson(self.passed, self.trials)[1]


def stored(results: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Return results in the form that a row holds."""
    return [asdict(result) for result in results]


def loaded(rows: Sequence[dict[str, Any]]) -> tuple[CaseResult, ...]:
    return tuple(
        CaseResult(
            row["name"],
            tuple(
                Trial(**{**trial, "failures": tuple(trial["failures"]), "tools": tuple(trial["tools"])})
                for trial in row["trials"]
            ),
        )
        for row in rows
    )


def summary(run: EvaluationRun) -> Summary:
    """Return what a run says, compared with the last one before it that was finished."""
    cases = loaded(run.results)
    finished = (EvaluationRun.Status.PASSED, EvaluationRun.Status.FAILED)
    if run.status not in finished:
        return Summary(cases)
    earlier: EvaluationRun | None = (
        EvaluationRun.objects.filter(agent_id=run.agent_id, pk__lt=run.pk, status__in=finished)
        .order_by("-pk")
        .first()
    )
    return Summary(cases, _compared(cases, earlier) if earlier else None)


def _compared(cases: Sequence[CaseResult], earlier: EvaluationRun) -> Comparison | None:
    """Compare the cases of the same name; None if there are none."""
    before = {case.name: case.holds for case in loaded(earlier.results)}
    shared = [case for case in cases if case.name in before]
    if not shared:
        return None
    broken = tuple(case.name for case in shared if before[case.name] and not case.holds)
    mended = tuple(case.name for case in shared if case.holds and not before[case.name])
    return Comparison(earlier, broken, mended, mcnemar(len(broken), len(mended)))
