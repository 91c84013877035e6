"""Run an evaluation in a worker: ask each case, as often as it says, and check the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentforge.incidents import record_incident
from agentforge.tenancy.threads import in_thread, in_thread_with_retry
from builds.errors import BuildError
from builds.models import EvaluationRun, MessageStatus
from builds.trial.agent_log import AgentLog
from builds.trial.agent_run import Program, converse
from builds.trial.answer import Answer
from builds.trial.programs import program_of
from configs.keys.vault import KeyProblem, values_to_redact
from configs.providers.prices import Used, cost_of

from . import cases, lifecycle
from .outcome import Outcome, ToolCall
from .results import LONGEST_TEXT, CaseResult, Trial

Status = EvaluationRun.Status
_TOKENS = ("input_tokens", "output_tokens")


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
    results: Sequence[CaseResult] = ()
    async for results in evaluate(Subject(program, environment, secrets), cases.read(row.cases).cases):
        await in_thread_with_retry(lifecycle.store, row.pk, job_id, results)
    return Status.PASSED if all(result.holds for result in results) else Status.FAILED


async def evaluate(subject: Subject, suite: Sequence[cases.Case]) -> AsyncIterator[Sequence[CaseResult]]:
    """Make every trial, and yield the results so far after each; the last ones are of all cases."""
    results: list[CaseResult] = []
    for case in suite:
        trials: list[Trial] = []
        for _ in range(case.repeat):
            trials.append(await _try(subject, case))
            yield [*results, CaseResult(case.name, tuple(trials))]
        results.append(CaseResult(case.name, tuple(trials)))


async def _try(subject: Subject, case: cases.Case) -> Trial:
    outcome = await subject.answer(case.ask)
    reasons = await asyncio.to_thread(lambda: [each.failure(outcome) for each in case.expect])
    # Without an answer, each assertion fails for the same reason.
    failures = tuple(dict.fromkeys(reason for reason in reasons if reason))
    text = outcome.text[:LONGEST_TEXT]
    return Trial(failures, text, tuple(outcome.tools), round(outcome.seconds, 3), outcome.tokens)


@dataclass(frozen=True)
class Subject:
    """The agent that is asked; `secrets` never leave in what it answers."""

    program: Program
    environment: Mapping[str, str]
    secrets: Sequence[str]

    async def answer(self, questions: Sequence[str]) -> Outcome:
        """Ask questions one after the other, in one conversation; return the outcome of the last one."""
        messages: list[dict[str, str]] = []
        facts: list[dict[str, Any]] = []
        files = b""
        for question in questions:
            messages.append({"role": "user", "content": question})
            answer = Answer(0, lambda _record: None, self.secrets)
            files = await converse(
                self.program, messages, self.environment, answer.add, AgentLog(self.secrets), files=files
            )
            facts.append(answer.facts)
            if answer.status != MessageStatus.DONE:
                break
            messages.append({"role": "assistant", "content": answer.facts["content"]})
        return replace(_outcome(facts), dollars=self._dollars(facts))

    def _dollars(self, facts: Sequence[Mapping[str, Any]]) -> float | None:
        """Return what answers cost; None where a price is not known, or a fallback took part in one."""
        if any("fallback" in each["usage"] for each in facts):
            return None
        provider = json.loads(self.program.document)["provider"]
        counts = [[each["usage"].get(name) or 0 for name in _TOKENS] for each in facts]
        cost = cost_of(Used(provider["code"], provider["model"], *count) for count in counts)
        return cost.dollars if cost else None


def _outcome(facts: Sequence[Mapping[str, Any]]) -> Outcome:
    last = facts[-1]
    return Outcome(
        text=last["content"],
        calls=tuple(_call(call) for each in facts for call in each["tool_calls"]),
        finish=last["usage"].get("finish") or "stop",
        seconds=sum(each["duration_ms"] or 0 for each in facts) / 1000,
        tokens=sum(each["usage"].get(name) or 0 for each in facts for name in _TOKENS),
        cited=tuple(each["file"] for each in last["citations"] if each["found"]),
        error=last["error"],
    )


def _call(call: Mapping[str, Any]) -> ToolCall:
    arguments = call.get("arguments")
    return ToolCall(str(call.get("name")), arguments if isinstance(arguments, Mapping) else {})
