"""Run an evaluation in a worker: ask each case, as often as it says, and check the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from agentforge.incidents import record_incident
from agentforge.tenancy.threads import in_thread, in_thread_with_retry
from builds.errors import BuildError
from builds.models import EvaluationRun
from builds.trial.programs import program_of
from configs.keys.agent_environment import environment_of_draft
from configs.keys.vault import KeyProblem, values_to_redact
from configs.revisions import draft_json

from . import cases, lifecycle
from .judge import Judge, judge_agent
from .recorder import Recorder
from .results import CaseResult, Trial
from .subject import Subject
from .tape import Tape, UnreadableTape

Status = EvaluationRun.Status


async def run(pk: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run an evaluation unless another job owns it; what it found so far is kept however it ends."""
    claimed = await in_thread(lifecycle.claim, pk, job_id)
    if claimed is None:
        return
    try:
        status, error = await _evaluate(claimed, job_id), ""
    except asyncio.CancelledError:
        ended = (
            (Status.BROKEN, "The worker was stopped. Run it again.")
            if is_shutdown()
            else (Status.STOPPED, "")
        )
        await asyncio.shield(in_thread_with_retry(lifecycle.finish, pk, job_id, *ended))
        raise
    except (BuildError, KeyProblem) as problem:
        status, error = Status.BROKEN, str(problem)
    except Exception:
        incident = record_incident(f"Evaluation {pk}")
        status = Status.BROKEN
        error = (
            f"The forge failed unexpectedly (incident {incident}). Run it again, or contact your operator."
        )
    await in_thread_with_retry(lifecycle.finish, pk, job_id, status, error)


async def _evaluate(row: EvaluationRun, job_id: int) -> Status:
    secrets = await in_thread(values_to_redact, row.owner_id)
    program, environment = await program_of(row.agent, row.build, row.document)
    recorder = await in_thread(_recorder_of, row)
    subject, suite = Subject(program, environment, secrets, recorder), cases.read(row.cases)
    judge = await _judge_of(row, suite, subject)
    results: Sequence[CaseResult] = ()
    async for results in evaluate(subject, suite.cases, judge):
        await in_thread_with_retry(lifecycle.store, row.pk, job_id, results)
    if row.replayed is None:
        content = await asyncio.to_thread(recorder.tape.dumps, secrets)
        await in_thread_with_retry(lifecycle.keep_recording, row.pk, job_id, content)
    return Status.PASSED if all(result.holds for result in results) else Status.FAILED


def _recorder_of(row: EvaluationRun) -> Recorder:
    """Return what records a run, or replays the one that it is to be answered from. Raises BuildError."""
    if row.replayed is None:
        return Recorder()
    stored = (
        EvaluationRun.objects.filter(agent=row.agent_id, pk=row.replayed)
        .values_list("recording", flat=True)
        .first()
    )
    try:
        return Recorder(Tape.loads(bytes(stored or b"")))
    except UnreadableTape as error:
        raise BuildError("The recording is not kept any more. Evaluate without it.") from error


async def _judge_of(row: EvaluationRun, suite: cases.Suite, subject: Subject) -> Judge | None:
    if suite.judge is None:
        return None
    agent = judge_agent(suite.judge, row.owner)
    document = await in_thread(draft_json, agent)
    environment = await in_thread(environment_of_draft, agent, document)
    return await Judge.of(document, environment, subject)


async def evaluate(
    subject: Subject, suite: Sequence[cases.Case], judge: Judge | None
) -> AsyncIterator[Sequence[CaseResult]]:
    """Make every trial, and yield the results so far after each; the last ones are of all cases."""
    results: list[CaseResult] = []
    for case in suite:
        trials: list[Trial] = []
        for _ in range(case.repeat):
            trials.append(await _try(subject, case, judge))
            yield [*results, CaseResult(case.name, tuple(trials))]
        results.append(CaseResult(case.name, tuple(trials)))


async def _try(subject: Subject, case: cases.Case, judge: Judge | None) -> Trial:
    outcome = await subject.answer(case.ask)
    if judge is not None and not outcome.error:
        verdicts = {rubric: await judge.verdict(rubric, case.ask, outcome.text) for rubric in case.rubrics}
        outcome = replace(outcome, verdicts=verdicts)
    reasons = await asyncio.to_thread(lambda: [each.failure(outcome) for each in case.expect])
    return Trial.of(outcome, [reason for reason in reasons if reason])
