"""How an agent's steps Build and Try stand."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.urls import reverse

from agentforge import formats
from configs.keys.keyring import Keyring
from configs.models import AgentConfig
from configs.revisions import draft_sha256
from configs.steps import Step

from . import reports
from .models import Build, BuildStatus, ChatMessage, MessageStatus
from .trial.chat import answering_builds


def build_steps(agents: Sequence[AgentConfig], ring: Keyring) -> dict[int, list[Step]]:
    """Return the steps Build and Try of agents by primary key."""
    builds = Build.objects.filter(revision__agent__in=agents).select_related("revision")
    newest = _by_agent(builds)
    compiled = _by_agent(builds.filter(status=BuildStatus.SUCCEEDED).prefetch_related("per_target"))
    answering = answering_builds(agents)
    last_build = _builds_of_last_answers(agents)
    steps = {}
    for agent in agents:
        good, wanted = compiled.get(agent.pk), draft_sha256(agent, ring.key_of(agent))
        answers = answering.get(agent.pk)
        steps[agent.pk] = [
            _build_step(agent, newest.get(agent.pk), good, is_current=_shows(good, wanted)),
            _try_step(
                agent,
                answers,
                is_current=_shows(answers, wanted),
                was_tried=answers is not None and last_build.get(agent.pk) == answers.pk,
            ),
        ]
    return steps


def _by_agent(builds: QuerySet[Build]) -> dict[int, Build]:
    """Return the newest of these builds for each agent."""
    newest = builds.order_by("revision__agent_id", "-pk").distinct("revision__agent_id")
    return {build.revision.agent_id: build for build in newest}


def _builds_of_last_answers(agents: Sequence[AgentConfig]) -> dict[int, int | None]:
    """Return which build gave each agent's last finished answer."""
    answers = ChatMessage.objects.filter(
        agent__in=agents,
        source=ChatMessage.Source.BUILD,
        role=ChatMessage.Role.ASSISTANT,
        status=MessageStatus.DONE,
    )
    last = answers.order_by("agent_id", "-pk").distinct("agent_id")
    return dict(last.values_list("agent_id", "build_id"))


def _shows(build: Build | None, wanted: str) -> bool:
    return build is not None and build.revision.sha256 == wanted


def _build_step(agent: AgentConfig, newest: Build | None, good: Build | None, *, is_current: bool) -> Step:
    state, word, headline = "pending", "", ""
    if newest is not None and newest.status in reports.UNFINISHED:
        state, word = newest.status, newest.get_status_display().lower()
        headline = f"Build {newest.pk} is {word}"
    elif newest is not None and newest.status == BuildStatus.FAILED:
        state, word, headline = "failed", "failed", f"Build {newest.pk} failed"
    elif good is not None and not is_current:
        state, word, headline = "outdated", "out of date", f"Changed since build {good.pk}"
    elif good is not None and good.expired_at is not None:
        state, word, headline = "outdated", "files removed", f"The files of build {good.pk} were removed"
    elif good is not None:
        state, word = "succeeded", f"revision {good.revision.number}, {_took(good)}"
        headline = f"Built, revision {good.revision.number}"
    elif newest is not None:
        state, word = "cancelled", "cancelled"
    url = reverse("builds:agent", args=[agent.pk])
    return Step("builds", "Build", url, state, word, headline)


def _took(build: Build) -> str:
    took = reports.duration(build)
    if build.from_cache or took is None:
        return "cached"
    return formats.duration(took)


def _try_step(agent: AgentConfig, answers: Build | None, *, is_current: bool, was_tried: bool) -> Step:
    url = reverse("builds:try", args=[agent.pk])
    if answers is None:
        return Step("try", "Try", url, "pending")
    state = "outdated" if not is_current else "succeeded" if was_tried else "pending"
    return Step("try", "Try", url, state, f"build {answers.pk}")
