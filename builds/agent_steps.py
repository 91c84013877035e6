"""How an agent's steps Build and Try stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.urls import reverse

from agentforge import formats
from agentforge.prepared_queries import Keys, PreparedQuery
from configs.keys.keyring import Keyring
from configs.models import AgentConfig, Revision
from configs.revisions import draft_sha256
from configs.steps import Step

from . import reports
from .models import Build, BuildStatus, BuildTarget, ChatMessage, MessageStatus
from .trial.chat import can_answer


@dataclass
class _TellingBuilds:
    """The builds of an agent that its steps tell of; `last_asked` gave the last finished answer."""

    newest: Build | None = None
    good: Build | None = None
    answers: Build | None = None
    last_asked: int | None = None


def build_steps(
    agents: Sequence[AgentConfig], ring: Keyring, builds_of: Iterable[Any]
) -> dict[int, list[Step]]:
    """Return the steps Build and Try of agents by primary key, by the rows of `telling_builds`."""
    telling = _by_agent(builds_of)
    steps = {}
    for agent in agents:
        builds, wanted = telling[agent.pk], draft_sha256(agent, ring.keys)
        answers = builds.answers
        steps[agent.pk] = [
            _build_step(agent, builds.newest, builds.good, wanted),
            _try_step(
                agent,
                answers,
                is_current=_shows(answers, wanted),
                was_tried=answers is not None and builds.last_asked == answers.pk,
            ),
        ]
    return steps


def _query() -> QuerySet[Build]:
    """Return the builds that the steps of some agents tell of, newest first."""
    telling = _newest_of_each(Build.objects.all()).union(
        _newest_of_each(Build.objects.filter(status=BuildStatus.SUCCEEDED)),
        _newest_of_each(Build.objects.filter(can_answer())),
    )
    answers = ChatMessage.objects.filter(
        agent=OuterRef("revision__agent"),
        source=ChatMessage.Source.BUILD,
        role=ChatMessage.Role.ASSISTANT,
        status=MessageStatus.DONE,
    )
    rows: QuerySet[Build] = Build.objects.filter(pk__in=telling).annotate(
        can_answer=can_answer(),
        is_from_cache=~Exists(BuildTarget.objects.filter(build=OuterRef("pk"), from_cache=False)),
        last_asked=Subquery(answers.order_by("-pk").values("build_id")[:1]),
    )
    return rows.select_related("revision").defer("revision__canonical_json").order_by("-pk")


def _newest_of_each(builds: QuerySet[Build]) -> QuerySet[Revision, int]:
    """Return the primary keys of the newest of the builds of each agent, found by those of its revisions.

    An agent may have been built thousands of times, of which most are of few revisions.
    """
    newest = builds.filter(revision=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    revisions = Revision.objects.filter(agent__in=Keys("agents")).annotate(newest=Subquery(newest))
    last = revisions.order_by("agent_id", F("newest").desc(nulls_last=True)).distinct("agent_id")
    keys: QuerySet[Revision, int] = last.values_list("newest", flat=True)
    return keys


telling_builds: PreparedQuery[Any] = PreparedQuery(_query)


def _by_agent(rows: Iterable[Any]) -> defaultdict[int, _TellingBuilds]:
    """Return the builds that the steps of each agent tell of."""
    found: defaultdict[int, _TellingBuilds] = defaultdict(_TellingBuilds)
    for build in rows:
        builds = found[build.revision.agent_id]
        builds.last_asked = build.last_asked
        builds.newest = builds.newest or build
        if build.status == BuildStatus.SUCCEEDED:
            builds.good = builds.good or build
        if build.can_answer:
            builds.answers = builds.answers or build
    return found


def _shows(build: Build | None, wanted: str) -> bool:
    return build is not None and build.revision.sha256 == wanted


def _build_step(agent: AgentConfig, newest: Build | None, good: Build | None, wanted: str) -> Step:
    state, word, headline = "pending", "", ""
    is_current = _shows(good, wanted)
    # What failed before a built revision was restored is history: the draft is compiled as it is.
    is_over = is_current and not _shows(newest, wanted)
    if newest is not None and newest.status in reports.UNFINISHED:
        state, word = newest.status, newest.get_status_display().lower()
        headline = f"Build {newest.pk} is {word}"
    elif newest is not None and newest.status == BuildStatus.FAILED and not is_over:
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
    return Step("builds", "Build", url, state, word, headline, subject=newest)


def _took(build: Any) -> str:
    took = reports.duration(build)
    if build.is_from_cache or took is None:
        return "cached"
    return formats.duration(took)


def _try_step(agent: AgentConfig, answers: Build | None, *, is_current: bool, was_tried: bool) -> Step:
    url = reverse("builds:try", args=[agent.pk])
    if answers is None:
        return Step("try", "Try", url, "pending")
    state = "outdated" if not is_current else "succeeded" if was_tried else "pending"
    return Step("try", "Try", url, state, f"build {answers.pk}")
