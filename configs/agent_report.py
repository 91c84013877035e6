"""The one report on an agent (law 6): rail, header, list, title and icon are renditions of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest

from agentforge.live import streams
from agentforge.live.models import Stream
from agentforge.page_questions import page_answers
from agentforge.prepared_queries import Keys, PreparedQuery, Question, answers

from .check_places import words_by_job
from .choices import RunStatus
from .keys.keyring import Keyring, KeyTrouble, keyring_with, keys_question
from .models import AgentConfig, ProcessRun
from .steps import Step, further_steps, questions
from .tab_checks import ACTIVE, INVALID, OUTDATED, VALID, check_steps

# Where a request keeps the report that was made for it.
_MADE = "_agent_report"
_POSITION, _UNREAD = "live_position", object()
UNCHECKED, CHANGED = "pending", "outdated"
_ICONS = {
    "running": "running",
    "queued": "running",
    "failed": "failed",
    "invalid": "failed",
    "succeeded": "done",
}


@dataclass(frozen=True)
class Headline:
    """The state of an agent as a whole, in a few words."""

    state: str
    words: str


@dataclass(frozen=True)
class AgentReport:
    """How an agent stands: `tabs` are its forms, `further` the steps after them."""

    agent: AgentConfig
    run: ProcessRun | None
    tabs: tuple[Step, ...]
    further: tuple[Step, ...]
    trouble: KeyTrouble | None
    ring: Keyring
    # Why a queued check can't start at once.
    waiting: str = ""

    @property
    def status(self) -> str:
        """Return how the check of the tabs stands: a RunStatus, or `pending` or `outdated`."""
        if self.run is None:
            return UNCHECKED
        if self.run.status in ACTIVE or self.run.status == RunStatus.FAILED:
            return self.run.status
        states = {step.state for step in self.tabs}
        if INVALID in states:
            return RunStatus.INVALID
        return RunStatus.READY if states == {VALID} else CHANGED

    @property
    def words(self) -> str:
        """Return how the check of the tabs stands, as a sentence."""
        if self.status == CHANGED:
            changed = [step.label for step in self.tabs if step.state == OUTDATED]
            return f"Changed since the last check: {', '.join(changed)}." if changed else _OUTCOMES[UNCHECKED]
        invalid = sum(step.state == INVALID for step in self.tabs)
        if self.status == RunStatus.INVALID and invalid > 1:
            return f"{invalid} tabs need attention."
        if self.ready and self._build_state in ("queued", "running"):
            return _CHECKED
        return _BUILT if self.built else self.waiting or _OUTCOMES[self.status]

    @property
    def active(self) -> bool:
        """Return whether a check is queued or running."""
        return self.status in ACTIVE

    @property
    def ready(self) -> bool:
        return self.status == RunStatus.READY

    @property
    def built(self) -> bool:
        """Return whether the newest build has the draft as it was checked."""
        return self.ready and self._build_state == "succeeded"

    @property
    def _build_state(self) -> str:
        """Return the state of the step Build; empty without that step."""
        return next((step.state for step in self.further if step.name == "builds"), "")

    @property
    def notes(self) -> list[str]:
        return [note for step in (self.run.steps if self.run else []) for note in step.get("notes", [])]

    @property
    def headline(self) -> Headline:
        """Return what matters most: work under way, then what needs attention, then what was reached."""
        if self.active:
            return Headline("running", "Checking")
        spoken = [step for step in (*self.tabs, *self.further) if step.headline]
        for states in (
            ("queued", "running"),
            ("invalid", "failed", "warning"),
            ("outdated",),
            ("succeeded",),
        ):
            if found := [step for step in spoken if step.state in states]:
                # Of several things that were reached, the furthest.
                step = found[-1] if states == ("succeeded",) else found[0]
                return Headline(step.state, step.headline)
        return Headline("ready", "Ready to compile") if self.ready else Headline("pending", "Draft")

    @property
    def title(self) -> str:
        """Return what precedes the title of the agent's pages while there is something to say; else empty."""
        return self.headline.words if self.icon in ("running", "failed") else ""

    @property
    def icon(self) -> str:
        """Return the variant of the page's icon."""
        return _ICONS.get(self.headline.state, "idle")

    def subject(self, name: str) -> object:
        """Return the row that a further step tells of, None if there is none."""
        return next((step.subject for step in self.further if step.name == name), None)

    def problems(self, tab: str) -> dict[str, list[str]]:
        """Return the last check's errors in a tab, by field; empty once the tab changed."""
        step = next((step for step in self.tabs if step.name == tab), None)
        if self.run is None or step is None or step.state != INVALID:
            return {}
        errors: dict[str, list[str]] = next(
            (found.get("errors", {}) for found in self.run.steps if found["tab"] == tab), {}
        )
        return errors


_BUILT = "Compiled as it is now."
_CHECKED = "Every tab is checked."
_OUTCOMES: dict[str, str] = {
    UNCHECKED: "Not checked yet.",
    RunStatus.QUEUED: "Starting.",
    RunStatus.RUNNING: "Checking every tab.",
    RunStatus.READY: "Ready to compile.",
    RunStatus.INVALID: "One tab needs attention.",
    RunStatus.FAILED: "The check did not finish. Run it again.",
}


_newest_runs: PreparedQuery[ProcessRun] = PreparedQuery(
    lambda: (
        ProcessRun.objects.filter(agent__in=Keys("agents")).order_by("agent_id", "-pk").distinct("agent_id")
    )
)


def report_of(agent: AgentConfig) -> AgentReport:
    """Return the report on one agent."""
    return reports_of([agent])[agent.pk]


def report_for(request: HttpRequest, agent: AgentConfig) -> AgentReport:
    """Return the report on the agent of a page, made once for the request."""
    return report_with(request, agent)[0]


def report_with(
    request: HttpRequest, agent: AgentConfig, *further: Question[Any]
) -> tuple[AgentReport, list[list[Any]]]:
    """Return the report on the agent of a page, and the answers to further questions of the page."""
    made: AgentReport | None = getattr(request, _MADE, None)
    if made is not None and made.agent is agent:
        return made, page_answers(request, *further) if further else []
    asked = _questions([agent])
    rows = page_answers(request, *asked, *further)
    made = _reports([agent], rows[: len(asked)])[agent.pk]
    setattr(request, _MADE, made)
    return made, rows[len(asked) :]


def reports_of(agents: Iterable[AgentConfig]) -> dict[int, AgentReport]:
    """Return the reports on agents of one owner by primary key; nearly all of it in one round trip."""
    rows = list(agents)
    return _reports(rows, answers(*_questions(rows))) if rows else {}


def _questions(agents: Sequence[AgentConfig]) -> list[Question[Any]]:
    return [
        keys_question(agents[0].owner_id),
        _newest_runs.question(agents=[agent.pk for agent in agents]),
        *questions(agents),
    ]


def _reports(agents: Sequence[AgentConfig], rows: Sequence[list[Any]]) -> dict[int, AgentReport]:
    keys, runs, *further_rows = rows
    ring = keyring_with(keys)
    by_agent = {run.agent_id: run for run in runs}
    further = further_steps(agents, ring, further_rows)
    waiting = words_by_job(by_agent.values())
    return {
        agent.pk: _report(agent, by_agent.get(agent.pk), ring, further[agent.pk], waiting) for agent in agents
    }


def _report(
    agent: AgentConfig,
    run: ProcessRun | None,
    ring: Keyring,
    further: list[Step],
    waiting: Mapping[int, str],
) -> AgentReport:
    trouble = ring.trouble_of(agent)
    tabs = check_steps(agent, run, ring.key_of(agent), trouble)
    words = waiting.get(run.job_id, "") if run is not None and run.job_id is not None else ""
    return AgentReport(agent, run, tabs, tuple(further), trouble, ring, words)


def position_of(agent: AgentConfig) -> int:
    """Return the position of an agent's channel: the one that was read with it, else the present one."""
    position = getattr(agent, _POSITION, None)
    return streams.position(agent.stream_name) if position is None else int(position)


def live_position(agent: AgentConfig) -> str:
    """Return the agent's channel and the position from which a page follows it: `agent-3:17`."""
    position = getattr(agent, _POSITION, _UNREAD)
    if position is _UNREAD:
        position = live_positions([agent]).get(agent.stream_name)
    return "" if position is None else f"{agent.stream_name}:{position}"


def with_live_positions(agents: QuerySet[AgentConfig]) -> QuerySet[AgentConfig]:
    """Return the agents with their positions, which are then older than all that is read afterwards."""
    channel = Concat(Value("agent-"), Cast(OuterRef("pk"), CharField()))
    position = Stream.objects.filter(pk=channel, closed_at=None).values("last_seq")
    return agents.annotate(**{_POSITION: Subquery(position)})


def live_positions(agents: Iterable[AgentConfig]) -> dict[str, int]:
    """Return the channels of agents with the positions from which a page follows them."""
    names = [agent.stream_name for agent in agents]
    return dict(Stream.objects.filter(pk__in=names, closed_at=None).values_list("pk", "last_seq"))
