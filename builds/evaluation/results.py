"""The results of a run, case by case, as they are stored, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from builds.models import EvaluationRun
from configs.providers.prices import Cost

from .outcome import Outcome
from .statistics import mcnemar, wilson

# Of an answer; the whole one is not kept.
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class TrialVerdict:
    """What the judge said of an answer by one rubric."""

    rubric: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Trial:
    """One trial: why it failed (empty: it passed), and what the agent did."""

    failures: tuple[str, ...]
    text: str
    tools: tuple[str, ...]
    seconds: float
    tokens: int
    verdicts: tuple[TrialVerdict, ...] = ()
    # What the judge used.
    judge_tokens: int = 0
    judge_dollars: float | None = None

    @classmethod
    def of(cls, outcome: Outcome, failures: Sequence[str]) -> Trial:
        given = list(outcome.verdicts.items())
        dollars = [verdict.dollars for _, verdict in given if verdict.dollars is not None]
        return cls(
            # Without an answer, each assertion fails for the same reason.
            failures=tuple(dict.fromkeys(failures)),
            text=outcome.text[:LONGEST_TEXT],
            tools=tuple(outcome.tools),
            seconds=round(outcome.seconds, 3),
            tokens=outcome.tokens,
            verdicts=tuple(
                TrialVerdict(rubric, verdict.passed, verdict.reason)
                for rubric, verdict in given
                if not verdict.error
            ),
            judge_tokens=sum(verdict.tokens for _, verdict in given),
            judge_dollars=sum(dollars) if given and len(dollars) == len(given) else None,
        )


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
    def judge_tokens(self) -> int:
        return sum(trial.judge_tokens for case in self.cases for trial in case.trials)

    @property
    def judge_cost(self) -> str:
        """What the judge cost in words; empty where that is not known."""
        judged = [trial for case in self.cases for trial in case.trials if trial.judge_tokens]
        dollars = [trial.judge_dollars for trial in judged if trial.judge_dollars is not None]
        return Cost(sum(dollars), "").words if len(dollars) == len(judged) else ""

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
    return tuple(CaseResult(row["name"], tuple(_trial(trial) for trial in row["trials"])) for row in rows)


def _trial(row: Mapping[str, Any]) -> Trial:
    verdicts = tuple(TrialVerdict(**verdict) for verdict in row.get("verdicts", ()))
    return Trial(
        **{**row, "failures": tuple(row["failures"]), "tools": tuple(row["tools"]), "verdicts": verdicts}
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
        .defer("recording")
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
