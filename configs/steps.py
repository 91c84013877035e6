"""The steps of an agent beyond its tabs, registered by the apps that build, try and deploy it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentforge.prepared_queries import PreparedQuery, Question

from .keys.keyring import Keyring
from .models import AgentConfig


@dataclass(frozen=True)
class Step:
    """One step of an agent as every page shows it; `state` decides colour and icon, `word` says it.

    `headline` is the sentence for the agent as a whole, if this step is what matters about it. `subject` is
    the row that the step tells of, for pages that show more of it.
    """

    name: str
    label: str
    url: str
    state: str
    word: str = ""
    headline: str = ""
    ms: int | None = None
    subject: object = None


# Takes agents of one owner, that owner's keys, and the rows of its query for the agents.
StepSource = Callable[[Sequence[AgentConfig], Keyring, Sequence[Any]], Mapping[int, list[Step]]]

_sources: list[tuple[PreparedQuery[Any], StepSource]] = []


def register(rows: PreparedQuery[Any], source: StepSource) -> None:
    """Add the steps of an app after those that are registered; `rows` is asked with the keys `agents`."""
    _sources.append((rows, source))


def questions(agents: Sequence[AgentConfig]) -> list[Question[Any]]:
    """Return what the registered steps of agents have to know."""
    keys = [agent.pk for agent in agents]
    return [rows.question(agents=keys) for rows, _ in _sources]


def further_steps(
    agents: Sequence[AgentConfig], ring: Keyring, answers: Sequence[Sequence[Any]]
) -> dict[int, list[Step]]:
    """Return the registered steps of agents by primary key, by the answers to the questions."""
    steps: dict[int, list[Step]] = {agent.pk: [] for agent in agents}
    for (_, source), rows in zip(_sources, answers, strict=True):
        for pk, found in source(agents, ring, rows).items():
            steps[pk] += found
    return steps
