"""Whether a build passed the cases that its deployment hangs on."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from builds.models import Build, Evaluation, EvaluationRun
from configs.models import AgentConfig

from .results import summary

Status = EvaluationRun.Status


@dataclass(frozen=True)
class Verdict:
    passed: bool
    blocks: bool
    words: str


def verdict(agent: AgentConfig, build: Build) -> Verdict | None:
    """Return what the newest finished run of a build's revision says; None where nothing hangs on it."""
    evaluation: Evaluation | None = (
        Evaluation.objects.filter(agent=agent).exclude(gate=Evaluation.Gate.OFF).first()
    )
    if evaluation is None:
        return None
    blocks = evaluation.gate == Evaluation.Gate.BLOCK
    run = _newest_run(agent, build, evaluation.cases)
    if run is None:
        return Verdict(
            False,
            blocks,
            f"Build {build.pk} has not been held to your cases as they are now. Evaluate it first.",
        )
    if run.status == Status.PASSED:
        return Verdict(True, blocks, f"All cases passed in run {run.pk}.")
    said = summary(run)
    failed = len(said.cases) - said.cases_passed
    return Verdict(False, blocks, f"{failed} of {len(said.cases)} cases failed in run {run.pk}.")


def _newest_run(agent: AgentConfig, build: Build, cases: str) -> EvaluationRun | None:
    """Return the newest finished run of these cases with the same configuration, compiled or as a draft.

    A recording shows what a model said once, so a run that replayed one does not count.
    """
    same = Q(build__revision_id=build.revision_id) | Q(document=build.revision.canonical_json)
    asked = EvaluationRun.objects.filter(same, agent=agent, cases=cases, replayed=None)
    runs = asked.defer("recording")
    newest: EvaluationRun | None = (
        runs.filter(status__in=(Status.PASSED, Status.FAILED)).order_by("-pk").first()
    )
    return newest
