"""How an agent's tabs stand: what the last check found, and whether the tab changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from .choices import RunStatus, Tab
from .conflicts import edition_of
from .forms import TAB_FORMS
from .keys.keyring import KeyTrouble
from .models import AgentConfig, ApiKey, ProcessRun
from .steps import Step

PENDING, CHECKING, VALID, INVALID, OUTDATED = "pending", "checking", "valid", "invalid", "outdated"
_WORDS = {
    PENDING: "not checked",
    CHECKING: "checking",
    VALID: "valid",
    INVALID: "invalid",
    OUTDATED: "changed",
}
# A check that took fewer milliseconds shows no time.
_WORTH_TELLING = 100
ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)


def checked_edition(agent: AgentConfig, tab: Tab, key: ApiKey | None) -> str:
    """Return the hash of what a check of a tab looks at: its values, and for the keys tab the key in use."""
    values: dict[str, Any] = TAB_FORMS[tab].checked_values(agent)
    if tab == Tab.KEYS and key is not None:
        values = {**values, "key": [str(key.pk), key.fingerprint, key.base_url]}
    return edition_of(values)


def check_steps(
    agent: AgentConfig, run: ProcessRun | None, key: ApiKey | None, trouble: KeyTrouble | None
) -> tuple[Step, ...]:
    """Return the step of each tab, by the newest run and what is known about the key since."""
    found = {step["tab"]: step for step in (run.steps if run else [])}
    return tuple(_step(agent, tab, run, found.get(tab, {}), key, trouble) for tab in Tab)


def is_current(
    agent: AgentConfig, run: ProcessRun, tab: Tab, step: Mapping[str, Any], key: ApiKey | None
) -> bool:
    """Return whether a step of a run is about the values that the tab has now."""
    if "edition" in step:
        return bool(step["edition"] == checked_edition(agent, tab, key))
    # Stored by an earlier release.
    return agent.updated_at <= run.created_at


def _step(
    agent: AgentConfig,
    tab: Tab,
    run: ProcessRun | None,
    step: Mapping[str, Any],
    key: ApiKey | None,
    trouble: KeyTrouble | None,
) -> Step:
    state, word, ms = _state(agent, tab, run, step, key), "", step.get("ms")
    if tab == Tab.KEYS and trouble is not None and state != CHECKING:
        state, word = INVALID, trouble.word.lower()
    return Step(
        name=tab.value,
        label=str(tab.label),
        url=reverse(f"configs:{tab.value}", args=[agent.pk]),
        state=state,
        word=word or _WORDS[state],
        headline=f"{tab.label} needs attention" if state == INVALID else "",
        ms=ms if state == VALID and ms is not None and ms >= _WORTH_TELLING else None,
    )


def _state(
    agent: AgentConfig, tab: Tab, run: ProcessRun | None, step: Mapping[str, Any], key: ApiKey | None
) -> str:
    state = str(step.get("state", PENDING))
    if run is not None and not step and run.status == RunStatus.READY and tab == Tab.KNOWLEDGE:
        # Of an earlier release, which had no files to check.
        return OUTDATED if agent.knowledge else VALID
    if run is None or state == PENDING:
        return PENDING
    if state == CHECKING:
        return CHECKING if run.status in ACTIVE else PENDING
    return state if is_current(agent, run, tab, step, key) else OUTDATED
