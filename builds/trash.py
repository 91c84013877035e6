"""What an agent in the trash leaves of its builds and its chat."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Exists, OuterRef

from agentforge.accounts.models import User
from agentforge.formats import counted
from configs.models import AgentConfig
from configs.trash import Belonging, Words

from .evaluation import lifecycle as evaluation
from .models import Artifact, Build, BuildVerification, ChatMessage, Conversation
from .reports import UNFINISHED
from .services import cancel_build
from .trial import chat


def describe(agents: Sequence[AgentConfig]) -> Words:
    """Return the builds and the conversations of agents, in a person's words."""
    of_agents = Build.objects.filter(revision__agent__in=agents).order_by().values_list("revision__agent")
    files = Exists(Artifact.objects.filter(build=OuterRef("pk")))
    with_files = dict(of_agents.filter(files).annotate(Count("pk")))
    without = dict(of_agents.exclude(files).annotate(Count("pk")))
    begun = Conversation.objects.filter(agent__in=agents).order_by().values_list("agent")
    conversations = dict(begun.annotate(Count("pk")))
    chats = ChatMessage.objects.filter(agent__in=agents).order_by().values_list("agent")
    messages = dict(chats.annotate(Count("pk")))
    return {
        agent.pk: _words(
            *(numbers.get(agent.pk, 0) for numbers in (with_files, without, conversations, messages))
        )
        for agent in agents
    }


def _words(with_files: int, without: int, conversations: int, messages: int) -> list[str]:
    words = []
    if with_files:
        words.append(f"{counted(with_files, 'build')} with {'its' if with_files == 1 else 'their'} files")
    if without:
        words.append(f"{counted(without, 'build')} without files")
    if messages:
        # Messages of an earlier version are in none.
        said = counted(max(conversations, 1), "conversation")
        words.append(f"{said} ({counted(messages, 'message')})")
    return words


def stop(agent: AgentConfig, by: User) -> list[str]:
    """Cancel an agent's builds and stop its answer; return what was ended."""
    # All at once: a worker that finishes one waits for the agent's stream, which the first cancel locks.
    open_ones = Build.objects.filter(revision__agent=agent, status__in=UNFINISHED).order_by("pk")
    builds = list(open_ones.select_for_update(of=("self",)))
    for build in builds:
        cancel_build(build, by)
    ended = [f"build {build.pk} is cancelled" for build in builds]
    if evaluation.stop(agent):
        ended.append("the evaluation is stopped")
    stopped = [chat.stop(agent, source) for source in ChatMessage.Source]
    return [*ended, "the answer under way is stopped"] if any(stopped) else ended


def stream_names(agent: AgentConfig) -> list[str]:
    """Return the streams of an agent's builds and their verifications."""
    builds = Build.objects.filter(revision__agent=agent)
    verifications = BuildVerification.objects.filter(build__in=builds)
    return [row.stream_name for rows in (builds, verifications) for row in rows.only("pk")]


BELONGING = Belonging(describe, stop, stream_names)
