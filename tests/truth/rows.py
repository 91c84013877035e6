"""What the pages should show of an agent, worked out from the rows alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentforge.accounts.models import User
from builds.models import Build, BuildTarget, ChatMessage
from configs.models import AgentConfig, ApiKey, ProcessRun
from deployments.models import Deployment, Site

TABS = {
    "identity": ("Identity", ("name", "handle", "type", "description", "version")),
    "keys": ("API keys", ("provider", "api_key_id", "model")),
    "personality": (
        "Personality",
        (
            *("preset", "traits", "communication_style", "tone"),
            *("response_length", "creativity", "custom_instructions"),
        ),
    ),
    "capabilities": (
        "Capabilities",
        (
            *("memory", "memory_turns", "memory_tokens", "tools", "tool_settings", "permissions"),
            *("images", "answer_schema", "tool_rounds", "time_limit_seconds", "memory_limit_mb"),
            *("conversation_tokens", "conversation_cost", "day_tokens", "day_cost"),
        ),
    ),
    "knowledge": ("Knowledge", ("knowledge", "knowledge_trusted", "skills")),
}
_TAB_WORDS = {
    "pending": "not checked",
    "checking": "checking",
    "valid": "valid",
    "invalid": "invalid",
    "outdated": "changed",
}
UNDER_WAY = ("queued", "running")

State = tuple[str, str]


@dataclass(frozen=True)
class Standing:
    """How an agent stands: each step of the rail as (state, word), and what stands for the whole."""

    agent: AgentConfig
    tabs: dict[str, State]
    check: str
    build: State
    trial: State
    deploy: State
    badge: State
    newest: Build | None
    good: Build | None
    answering: Build | None
    is_current: Callable[[Build], bool]
    site: Site | None
    live: Deployment | None

    @property
    def icon(self) -> str:
        states = {**dict.fromkeys(UNDER_WAY, "running"), "failed": "failed", "invalid": "failed"}
        return {**states, "succeeded": "done"}.get(self.badge[0], "idle")

    @property
    def is_self_hosted(self) -> bool:
        return self.site is not None and self.site.host == "self-hosted"

    @property
    def live_word(self) -> str:
        """Return "live" only where something was seen to answer, or where the host serves it."""
        seen = self.site is not None and (not self.is_self_hosted or self.site.answered_at is not None)
        return "live" if seen else "ready to run"


class Memory:
    """What each check looked at: a tab has changed if its values are others than those."""

    def __init__(self) -> None:
        self._checked: dict[tuple[int, str], object] = {}

    def values_at_the_check(self, run: ProcessRun, tab: str, now: object) -> object:
        """Return a tab's values when its check ended: those of now, at the first look after it."""
        return self._checked.setdefault((run.pk, tab), now)


def key_of(agent: AgentConfig) -> ApiKey | None:
    """Return the key that an agent uses: the chosen one of its provider, else the oldest."""
    keys = list(ApiKey.objects.filter(owner_id=agent.owner_id, provider=agent.provider).order_by("pk"))
    return next((key for key in keys if key.pk == agent.api_key_id), keys[0] if keys else None)


def is_unusable(agent: AgentConfig) -> str:
    """Return what is wrong with an agent's key, in a word."""
    if agent.provider != "openai":
        return ""
    key = key_of(agent)
    if key is None:
        return "no key"
    return "key refused" if key.status == "invalid" else ""


def standing_of(agent: AgentConfig, memory: Memory) -> Standing:
    """Return how an agent stands by its rows."""
    run = ProcessRun.objects.filter(agent=agent).order_by("-pk").first()
    tabs = {tab: _tab(agent, run, tab, memory) for tab in TABS}
    builds = list(
        Build.objects.filter(revision__agent=agent).select_related("revision").prefetch_related("per_target")
    )
    newest = builds[0] if builds else None
    good = next((build for build in builds if build.status == "succeeded"), None)
    answering = next((build for build in builds if build.status != "cancelled" and _has_plugin(build)), None)

    def is_current(build: Build) -> bool:
        return _is_same(agent, json.loads(build.revision.canonical_json))

    site = Site.objects.filter(agent=agent, deleted_at=None).order_by("-pk").first()
    live = _live(site)
    build = _build_step(newest, good, is_current)
    deploy = _deploy_step(site, live)
    return Standing(
        agent=agent,
        tabs=tabs,
        check=_check_words(run, tabs, build),
        build=build,
        trial=_try_step(agent, answering, is_current),
        deploy=deploy,
        badge=_badge(run, tabs, build, newest, good, deploy, site),
        newest=newest,
        good=good,
        answering=answering,
        is_current=is_current,
        site=site,
        live=live,
    )


def _tab(agent: AgentConfig, run: ProcessRun | None, tab: str, memory: Memory) -> State:
    steps: list[dict[str, Any]] = run.steps if run else []
    step = next((each for each in steps if each["tab"] == tab), {})
    state = step.get("state", "pending")
    unusable = is_unusable(agent) if tab == "keys" else ""
    if state == "checking":
        state = "checking" if run and run.status in UNDER_WAY else "pending"
    elif run and state in ("valid", "invalid"):
        key = key_of(agent)
        used = (key.pk, key.fingerprint, key.base_url) if key and tab == "keys" else None
        now = [[str(getattr(agent, name)) for name in TABS[tab][1]], used]
        if memory.values_at_the_check(run, tab, now) != now:
            state = "outdated"
    if unusable and state != "checking":
        return "invalid", unusable
    return state, _TAB_WORDS[state]


def _check_words(run: ProcessRun | None, tabs: dict[str, State], build: State) -> str:
    if run is None:
        return "Not checked yet."
    if run.status == "queued":
        return "Starting."
    if run.status == "running":
        return "Checking every tab."
    if run.status == "failed":
        return "The check did not finish. Run it again."
    states = [state for state, _ in tabs.values()]
    if wrong := states.count("invalid"):
        return "One tab needs attention." if wrong == 1 else f"{wrong} tabs need attention."
    if set(states) == {"valid"}:
        if build[0] in ("queued", "running"):
            return "Every tab is checked."
        return "Compiled as it is now." if build[0] == "succeeded" else "Ready to compile."
    changed = [TABS[tab][0] for tab, (state, _) in tabs.items() if state == "outdated"]
    return f"Changed since the last check: {', '.join(changed)}." if changed else "Not checked yet."


def _has_plugin(build: Build) -> bool:
    rows: list[BuildTarget] = list(build.per_target.all())
    return any(row.target == "plugin" and row.status == "succeeded" for row in rows)


def _is_same(agent: AgentConfig, document: dict[str, Any]) -> bool:
    """Return whether a revision says what the draft says."""
    person, limits, able = document["personality"], document["limits"], document["capabilities"]
    mine = [
        *(getattr(agent, name) for name in TABS["identity"][1]),
        agent.provider,
        agent.model,
        *(getattr(agent, name) for name in TABS["personality"][1] if name != "creativity"),
        float(agent.creativity),
        agent.memory,
        agent.memory_turns,
        agent.memory_tokens,
        sorted(agent.tools),
        agent.tool_settings,
        agent.permissions,
        agent.images,
        agent.answer_schema,
        agent.tool_rounds,
        agent.time_limit_seconds,
        agent.memory_limit_mb,
        *(getattr(agent, name) for name in TABS["capabilities"][1][-4:]),
    ]
    frozen = [
        *(document["identity"][name] for name in TABS["identity"][1]),
        document["provider"]["code"],
        document["provider"]["model"],
        *(person[name] for name in TABS["personality"][1] if name != "creativity"),
        person["creativity"],
        able["memory"]["enabled"],
        able["memory"]["turns"],
        able["memory"].get("tokens"),
        able["tools"],
        able.get("tool_settings", {}),
        able.get("permissions", {}),
        able.get("images", False),
        document.get("answer", {}).get("schema", ""),
        limits["tool_rounds"],
        limits["seconds"],
        limits["memory_mb"],
        *(limits.get(name) for name in TABS["capabilities"][1][-4:]),
    ]
    return mine == frozen


def _build_step(newest: Build | None, good: Build | None, is_current: Callable[[Build], bool]) -> State:
    if newest is None:
        return "pending", ""
    is_over = good is not None and is_current(good) and not is_current(newest)
    if newest.status in UNDER_WAY or (newest.status == "failed" and not is_over):
        return newest.status, newest.status
    if good is None:
        return "cancelled", "cancelled"
    if not is_current(good):
        return "outdated", "out of date"
    if good.expired_at is not None:
        return "outdated", "files removed"
    return "succeeded", f"revision {good.revision.number}"


def _try_step(agent: AgentConfig, answering: Build | None, is_current: Callable[[Build], bool]) -> State:
    if answering is None:
        return "pending", ""
    answers = ChatMessage.objects.filter(agent=agent, source="build", role="assistant", status="done")
    last = answers.order_by("-pk").first()
    was_tried = last is not None and last.build_id == answering.pk
    state = "outdated" if not is_current(answering) else "succeeded" if was_tried else "pending"
    return state, f"build {answering.pk}"


def _live(site: Site | None) -> Deployment | None:
    if site is None or not site.live_remote_id:
        return None
    rows = Deployment.objects.filter(site=site, remote_id=site.live_remote_id).select_related("revision")
    return rows.first()


def _deploy_step(site: Site | None, live: Deployment | None) -> State:
    if site is None:
        return "pending", ""
    last = Deployment.objects.filter(site=site).order_by("-pk").first()
    if last is not None and last.status in UNDER_WAY:
        return last.status, "deploying"
    if last is not None and last.status == "failed":
        return "failed", "failed"
    if site.live_remote_id and live is None:
        return "warning", "changed elsewhere"
    if live is None:
        return "pending", ""
    word = "ready to run" if site.host == "self-hosted" and site.answered_at is None else "live"
    return "succeeded", f"{word}, revision {live.revision.number}"


def _badge(
    run: ProcessRun | None,
    tabs: dict[str, State],
    build: State,
    newest: Build | None,
    good: Build | None,
    deploy: State,
    site: Site | None,
) -> State:
    """Return what matters most: work, then trouble, then a change, then what was reached."""
    if run is not None and run.status in UNDER_WAY:
        return "running", "Checking"
    if newest is not None and build[0] in UNDER_WAY:
        return build[0], f"Build {newest.pk} is {build[1]}"
    if site is not None and deploy[0] in UNDER_WAY:
        return deploy[0], f"Deploying to {site.name}"
    for tab, (state, _) in tabs.items():
        if state == "invalid":
            return "invalid", f"{TABS[tab][0]} needs attention"
    if newest is not None and build[0] == "failed":
        return "failed", f"Build {newest.pk} failed"
    if site is not None and deploy[0] == "failed":
        last = Deployment.objects.filter(site=site).order_by("-pk").first()
        return "failed", f"Deployment {last.pk if last else 0} failed"
    if site is not None and deploy[0] == "warning":
        return "warning", f"{site.name} was changed elsewhere"
    if good is not None and build[0] == "outdated":
        words = {
            "out of date": f"Changed since build {good.pk}",
            "files removed": f"The files of build {good.pk} were removed",
        }
        return "outdated", words[build[1]]
    if deploy[0] == "succeeded":
        return "succeeded", deploy[1].capitalize()
    if good is not None and build[0] == "succeeded":
        return "succeeded", f"Built, {build[1]}"
    if {state for state, _ in tabs.values()} == {"valid"}:
        return "ready", "Ready to compile"
    return "pending", "Draft"


def agents_of(owner: User) -> list[AgentConfig]:
    """Return an owner's agents that are not in the trash."""
    return list(AgentConfig.objects.filter(owner=owner, trashed_at=None).order_by("pk"))
