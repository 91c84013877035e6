"""The conversations with an agent: their messages and titles, and where a question belongs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, Q, Subquery
from django.db.models.functions import Cast, Length
from django.utils import timezone

from agentforge.prepared_queries import Parameter, PreparedQuery, Question
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import ChatMessage, ChatSource, Conversation
from configs.announcements import announce
from configs.models import AgentConfig

# What a page or a response shows of a conversation; models of other people's can answer without end.
MOST_MESSAGES = 400
MOST_CHARACTERS = 1_000_000
MOST_LISTED = 50


def conversations_of(
    agent: AgentConfig | Parameter, source: ChatSource | Parameter
) -> models.QuerySet[Conversation]:
    """Return the conversations with an agent's builds or draft, the one that was used last first."""
    return Conversation.objects.filter(agent=agent, source=source)


def messages_in(
    agent: AgentConfig | Parameter,
    source: ChatSource | Parameter,
    conversation: Conversation | Parameter | None,
) -> models.QuerySet[ChatMessage]:
    """Return the messages of a conversation; those without one belong to the newest, or stand alone."""
    rows = ChatMessage.objects.filter(agent=agent)
    begun = conversations_of(agent, source)
    if conversation is None:
        return rows.filter(~Exists(begun), conversation=None, source=source)
    number = conversation if isinstance(conversation, Parameter) else conversation.pk
    loose = Q(conversation=None, source=source, newest=number)
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
    rows: models.QuerySet[ChatMessage],
    sizes: Iterable[tuple[int, int]] | None = None,
    *,
    most: int = MOST_MESSAGES,
    characters: int = MOST_CHARACTERS,
) -> models.QuerySet[ChatMessage]:
    """Return the newest messages of a conversation that there is room for; the last two in any case.

    `sizes` are those of its messages, where they were asked for already.
    """
    kept: list[int] = []
    for pk, size in _sizes_of(rows)[:most] if sizes is None else sizes:
        characters -= size
        if characters < 0 and len(kept) >= 2:
            break
        kept.append(pk)
    return rows.filter(pk__in=kept)


def _sizes_of(rows: models.QuerySet[ChatMessage]) -> models.QuerySet[ChatMessage, tuple[int, int]]:
    calls = Length(Cast("tool_calls", models.TextField()))
    return rows.order_by("-pk").annotate(size=Length("content") + calls).values_list("pk", "size")


def sizes_question(
    agent: AgentConfig, source: ChatSource, conversation: Conversation | None
) -> Question[tuple[int, int]]:
    """Return the question for the keys and sizes of a conversation's newest messages, for `newest_of`."""
    if conversation is None:
        return _sizes_without.question(agent=agent.pk, source=source)
    return _sizes_within.question(agent=agent.pk, source=source, conversation=conversation.pk)


_AGENT, _SOURCE = Parameter("agent"), Parameter("source")
# The conversations that a page lists, and the one that it shows unless it is told which.
listed_conversations: PreparedQuery[Conversation] = PreparedQuery(
    lambda: conversations_of(_AGENT, _SOURCE)[:MOST_LISTED]
)
newest_conversation: PreparedQuery[Conversation] = PreparedQuery(
    lambda: conversations_of(_AGENT, _SOURCE)[:1]
)
_sizes_without: PreparedQuery[Any] = PreparedQuery(
    lambda: _sizes_of(messages_in(_AGENT, _SOURCE, None))[:MOST_MESSAGES]
)
_sizes_within: PreparedQuery[Any] = PreparedQuery(
    lambda: _sizes_of(messages_in(_AGENT, _SOURCE, Parameter("conversation")))[:MOST_MESSAGES]
)


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
