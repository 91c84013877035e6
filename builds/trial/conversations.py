"""The conversations with an agent: their messages and titles, and where a question belongs."""

from __future__ import annotations

import re

from django.db import models, transaction
from django.db.models import Exists, Q, Subquery
from django.db.models.functions import Cast, Length
from django.utils import timezone

from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import ChatMessage, ChatSource, Conversation
from configs.announcements import announce
from configs.models import AgentConfig

# What a page or a response shows of a conversation; models of other people's can answer without end.
MOST_MESSAGES = 400
MOST_CHARACTERS = 1_000_000


def conversations_of(agent: AgentConfig, source: ChatSource) -> models.QuerySet[Conversation]:
    """Return the conversations with an agent's builds or draft, the one that was used last first."""
    return Conversation.objects.filter(agent=agent, source=source)


def messages_in(
    agent: AgentConfig, source: ChatSource, conversation: Conversation | None
) -> models.QuerySet[ChatMessage]:
    """Return the messages of a conversation; those without one belong to the newest, or stand alone."""
    rows = ChatMessage.objects.filter(agent=agent)
    begun = conversations_of(agent, source)
    if conversation is None:
        return rows.filter(~Exists(begun), conversation=None, source=source)
    loose = Q(conversation=None, source=source, newest=conversation.pk)
    belongs = Q(conversation=conversation) | loose
    with_newest: models.QuerySet[ChatMessage] = rows.annotate(newest=Subquery(begun.values("pk")[:1]))
    return with_newest.filter(belongs)


def messages_of(
    agent: AgentConfig, source: ChatSource, conversation: Conversation | None = None
) -> models.QuerySet[ChatMessage]:
    """Return the messages to an agent's draft or builds; of one conversation, if there is one."""
    if conversation is not None:
        return messages_in(agent, source, conversation)
    return ChatMessage.objects.filter(agent=agent, source=source)


def conversation_of(message: ChatMessage) -> models.QuerySet[ChatMessage]:
    """Return the messages of the conversation that a message belongs to."""
    source = ChatSource(message.source)
    conversation = message.conversation or conversations_of(message.agent, source).first()
    return messages_in(message.agent, source, conversation)


def newest_of(
    rows: models.QuerySet[ChatMessage], *, most: int = MOST_MESSAGES, characters: int = MOST_CHARACTERS
) -> models.QuerySet[ChatMessage]:
    """Return the newest messages of a conversation that there is room for; the last two in any case."""
    calls = Length(Cast("tool_calls", models.TextField()))
    sizes = rows.order_by("-pk").annotate(size=Length("content") + calls).values_list("pk", "size")[:most]
    kept: list[int] = []
    for pk, size in sizes:
        characters -= size
        if characters < 0 and len(kept) >= 2:
            break
        kept.append(pk)
    return rows.filter(pk__in=kept)


def title_from(question: str) -> str:
    """Return the title of a conversation that begins with a question: its first words, on one line."""
    words = re.sub(r"\s+", " ", question).strip()
    longest = Conversation.TITLE_LENGTH
    if len(words) <= longest:
        return words or "Conversation"
    return words[: longest - 1].rsplit(" ", 1)[0][: longest - 1].rstrip() + "…"


def conversation_to_ask_in(
    agent: AgentConfig, source: ChatSource, question: str, chosen: Conversation | None, *, new: bool
) -> Conversation:
    """Return the conversation that a question belongs to, making it if needed; the agent's row is locked.

    Without a choice it is the one that was used last. Messages without a conversation come along.
    Raises NotPossible if the chosen one was deleted meanwhile.
    """
    newest = conversations_of(agent, source).first()
    loose = ChatMessage.objects.filter(agent=agent, source=source, conversation=None)
    if (first := loose.first()) is not None:
        newest = newest or _begin(agent, source, first.content)
        loose.update(conversation=newest)
    conversation = chosen or (None if new else newest) or _begin(agent, source, question)
    if not Conversation.objects.filter(pk=conversation.pk).update(active_at=timezone.now()):
        raise NotPossible("This conversation was deleted meanwhile. Begin another one.")
    return conversation


def _begin(agent: AgentConfig, source: ChatSource, question: str) -> Conversation:
    title = title_from(question)
    begun: Conversation = Conversation.objects.create(
        owner_id=agent.owner_id, agent=agent, source=source, title=title
    )
    return begun


def rename(conversation: Conversation, title: str) -> None:
    with transaction.atomic(), as_service():
        Conversation.objects.filter(pk=conversation.pk).update(title=title)
        announce_change(conversation.agent)


def announce_change(agent: AgentConfig) -> None:
    """Tell the pages that show an agent's conversations that one has other messages now, or another title."""
    announce(agent.pk, agent.owner_id, {"kind": "conversation"})
