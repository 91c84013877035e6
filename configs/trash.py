"""Agents in the trash: out of sight and out of use, restored or deleted within TRASH_DAYS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.formats import counted
from agentforge.live import streams
from agentforge.tenancy.rls import as_service

from .announcements import announce, announce_account
from .choices import RunStatus
from .forms.identity import suggest_handle
from .models import AgentConfig, Revision, lock_agent
from .services import delete_agent, handles_of


class NotInTrash(Http404):
    """Another request restored or deleted the agent."""


# Words on agents by primary key, from a constant number of queries.
Words = Mapping[int, list[str]]


@dataclass(frozen=True)
class Belonging:
    """What an app keeps of agents.

    `describe` says in a person's words what goes with an agent, `stays` what goes on without it. `stop` ends
    the work on it and returns what was ended; `stream_names` are the streams that nobody follows meanwhile.
    """

    describe: Callable[[Sequence[AgentConfig]], Words]
    stop: Callable[[AgentConfig, User], list[str]]
    stream_names: Callable[[AgentConfig], Iterable[str]]
    stays: Callable[[Sequence[AgentConfig]], Words] = lambda agents: {}


@dataclass(frozen=True)
class Deletion:
    """What deleting an agent means: what goes with it, and what goes on without it."""

    agent: AgentConfig
    goes: list[str]
    stays: list[str]

    @property
    def goes_at(self) -> datetime | None:
        """Return when it is deleted; None for never."""
        trashed_at = self.agent.trashed_at
        if trashed_at is None or not settings.TRASH_DAYS:
            return None
        goes_at: datetime = trashed_at + timedelta(days=settings.TRASH_DAYS)
        return goes_at


_belongings: list[Belonging] = []


def register(belonging: Belonging) -> None:
    """Let the trash keep what an app has of agents."""
    _belongings.append(belonging)


def deletions(agents: Sequence[AgentConfig]) -> list[Deletion]:
    """Return what deleting each of these agents means, in a person's words; a constant number of queries."""
    with as_service():
        revisions = Revision.objects.filter(agent__in=agents).order_by().values_list("agent")
        numbers = dict(revisions.annotate(Count("pk")))
        goes = [each.describe(agents) for each in _belongings]
        stays = [each.stays(agents) for each in _belongings]
    return [
        Deletion(agent, [_own(numbers.get(agent.pk, 0)), *_words(goes, agent)], _words(stays, agent))
        for agent in agents
    ]


def _own(revisions: int) -> str:
    return f"the draft and {counted(revisions, 'revision')}" if revisions else "the draft"


def _words(by_app: Iterable[Words], agent: AgentConfig) -> list[str]:
    return [words for each in by_app for words in each.get(agent.pk, [])]


def move_to_trash(agent: AgentConfig, by: User) -> list[str]:
    """Move an agent to the trash and end the work on it; return what was ended, in a person's words.

    Raises AgentInTrash when it is there already.
    """
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        ended = [words for each in _belongings for words in each.stop(agent, by)]
        # A check that is under way tests a key; without its row it ends.
        agent.runs.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING)).delete()
        AgentConfig.objects.filter(pk=agent.pk).update(trashed_at=timezone.now())
        record(Action.AGENT_TRASHED, owner=agent.owner_id, actor=by, subject=agent)
        streams.hide(_stream_names(agent))
        announce_account(agent.owner_id)
    return ended


def restore(agent: AgentConfig, by: User) -> AgentConfig:
    """Return an agent that is back from the trash, under the next free handle if its own was taken.

    Raises NotInTrash.
    """
    with transaction.atomic(), as_service():
        # Two at once would take the same handle.
        User.objects.select_for_update().get(pk=agent.owner_id)
        restored = _lock(agent)
        taken = handles_of(restored.owner_id)
        if restored.handle in taken:
            restored.handle = suggest_handle(restored.handle, taken)
        restored.trashed_at = None
        AgentConfig.objects.filter(pk=agent.pk).update(trashed_at=None, handle=restored.handle)
        record(Action.AGENT_RECOVERED, owner=restored.owner_id, actor=by, subject=restored)
        streams.show(_stream_names(restored))
        announce(restored.pk, restored.owner_id, {"kind": "draft"})
    return restored


def delete_now(agent: AgentConfig) -> None:
    """Delete an agent out of the trash. Raises NotInTrash."""
    with transaction.atomic(), as_service():
        delete_agent(_lock(agent))


def _lock(agent: AgentConfig) -> AgentConfig:
    row: AgentConfig | None = in_trash(agent.owner).select_for_update().filter(pk=agent.pk).first()
    if row is None:
        raise NotInTrash(f"Agent {agent.pk} was restored or deleted meanwhile.")
    return row


def contents(owner: User) -> list[Deletion]:
    """Return a person's trash, what goes first at the top."""
    with as_service():
        agents = list(in_trash(owner).order_by("trashed_at", "pk"))
    return deletions(agents)


def in_trash(owner: User) -> QuerySet[AgentConfig]:
    """Return a person's agents in the trash; only the service sees them."""
    return AgentConfig.objects.all_of(owner).filter(trashed_at__isnull=False)


def due(at: datetime) -> QuerySet[AgentConfig]:
    """Return everybody's agents that have been in the trash for TRASH_DAYS."""
    before = at - timedelta(days=settings.TRASH_DAYS)
    agents = AgentConfig.objects.filter(trashed_at__lte=before).order_by("trashed_at", "pk")
    return agents if settings.TRASH_DAYS else agents.none()


def delete_due(at: datetime) -> Iterator[AgentConfig]:
    """Delete what is due, one agent a transaction, and yield it; what was restored meanwhile stays."""
    for pk in list(due(at).values_list("pk", flat=True)):
        with transaction.atomic():
            agent = due(at).select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if agent is None:
                continue
            delete_agent(agent)
        yield agent


def _stream_names(agent: AgentConfig) -> list[str]:
    return [agent.stream_name, *(name for each in _belongings for name in each.stream_names(agent))]
