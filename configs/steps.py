"""The steps of an agent beyond its tabs, registered by the apps that build, try and deploy it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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


# Takes agents of one owner and that owner's keys; a constant number of queries for any number of agents.
StepSource = Callable[[Sequence[AgentConfig], Keyring], Mapping[int, list[Step]]]

_sources: list[StepSource] = []


def register(source: StepSource) -> None:
    """Add the steps of an app after those that are registered."""
    _sources.append(source)


def further_steps(agents: Sequence[AgentConfig], ring: Keyring) -> dict[int, list[Step]]:
    """Return the registered steps of agents by primary key."""
    steps: dict[int, list[Step]] = {agent.pk: [] for agent in agents}
    for source in _sources:
        for pk, found in source(agents, ring).items():
            steps[pk] += found
    return steps
