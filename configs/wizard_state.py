"""The state of each tab in the navigation rail, from the agent's newest run."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from agentforge.live import streams
from agentforge.live.log import StreamMissing

from .choices import RunStatus, Tab
from .models import AgentConfig, ProcessRun

_WORDS = {"pending": "not checked", "checking": "checking", "valid": "valid", "invalid": "invalid"}
CHANGED = "changed"


@dataclass(frozen=True)
class RailItem:
    tab: str
    label: str
    url: str
    state: str
    word: str
    ms: int | None
    current: bool


@dataclass(frozen=True)
class Rail:
    """The navigation rail of an agent: its tabs, and the outcome of the last run."""

    items: tuple[RailItem, ...]
    run: ProcessRun | None
    stale: bool

    @property
    def status(self) -> str:
        """Return the run's status; `outdated` if the draft changed after a successful run."""
        if self.run is None:
            return "pending"
        return "outdated" if self.stale and self.run.status == RunStatus.READY else self.run.status

    @property
    def words(self) -> str:
        return _OUTCOMES[self.status]

    def problems(self, tab: str) -> dict[str, list[str]]:
        """Return the run's errors for a tab, by field; empty once the draft changed."""
        if self.run is None or self.stale:
            return {}
        return next((step.get("errors", {}) for step in self.run.steps if step["tab"] == tab), {})

    @property
    def active(self) -> bool:
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def ready(self) -> bool:
        return self.status == RunStatus.READY

    @property
    def shows_build_link(self) -> bool:
        """Return whether the page is one of the tabs that a run checks."""
        return any(item.current for item in self.items)

    @property
    def notes(self) -> list[str]:
        return [note for step in (self.run.steps if self.run else []) for note in step.get("notes", [])]


_OUTCOMES = {
    "pending": "Not processed yet.",
    "outdated": "The draft changed since it was processed.",
    RunStatus.QUEUED: "Waiting for the worker.",
    RunStatus.RUNNING: "Checking the configuration.",
    RunStatus.READY: "Ready to compile.",
    RunStatus.INVALID: "One tab needs attention.",
    RunStatus.FAILED: "The check did not finish. Run it again.",
}


def rail_of(agent: AgentConfig, current: str) -> Rail:
    """Return the rail of an agent, in one query."""
    run: ProcessRun | None = ProcessRun.objects.filter(agent=agent).order_by("-pk").first()
    stale = run is not None and agent.updated_at > run.created_at
    steps = {step["tab"]: step for step in (run.steps if run else [])}
    items = []
    for tab in Tab:
        step = steps.get(tab, {"state": "pending"})
        outdated = stale and step["state"] == "valid"
        items.append(
            RailItem(
                tab=tab.value,
                label=str(tab.label),
                url=reverse(f"configs:{tab.value}", args=[agent.pk]),
                state="outdated" if outdated else step["state"],
                word=CHANGED if outdated else _WORDS[step["state"]],
                ms=step.get("ms"),
                current=tab == current,
            )
        )
    return Rail(tuple(items), run, stale)


def live_position(agent: AgentConfig) -> str:
    """Return the agent's channel and the position from which a page follows it: `agent-3:17`."""
    try:
        return f"{agent.stream_name}:{streams.position(agent.stream_name)}"
    except StreamMissing:
        return ""
