"""A program that is asked, the agent or its judge, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builds.models import MessageStatus
from builds.trial.agent_log import AgentLog
from builds.trial.agent_run import Program, converse
from builds.trial.answer import Answer
from configs.providers.prices import Used, cost_of

from .outcome import Outcome, ToolCall
from .recorder import MISSING, Recorder

_TOKENS = ("input_tokens", "output_tokens")


@dataclass(frozen=True)
class Subject:
    """A program with its keys; `secrets` never leave in what it answers."""

    program: Program
    environment: Mapping[str, str]
    secrets: Sequence[str]
    recorder: Recorder

    async def answer(self, questions: Sequence[str]) -> Outcome:
        """Ask questions one after the other, in one conversation; return the outcome of the last one."""
        messages: list[dict[str, str]] = []
        facts: list[dict[str, Any]] = []
        files = b""
        environment, served = self.recorder.between(self.program.document, self.environment)
        missed = self.recorder.missed
        for question in questions:
            messages.append({"role": "user", "content": question})
            answer = Answer(0, lambda _record: None, self.secrets)
            files = await converse(
                self.program,
                messages,
                environment,
                answer.add,
                AgentLog(self.secrets),
                files=files,
                served=served,
            )
            facts.append(answer.facts)
            if answer.status != MessageStatus.DONE:
                break
            messages.append({"role": "assistant", "content": answer.facts["content"]})
        outcome = replace(_outcome(facts), dollars=self._dollars(facts))
        return replace(outcome, error=MISSING) if self.recorder.missed > missed else outcome

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
