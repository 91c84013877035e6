"""What the pages of a chat share, whether a build of the agent answers or its draft."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render

from agentforge.accounts.models import User
from agentforge.accounts.throttling.rate_limits import LimitReached
from agentforge.formats import counted
from agentforge.http import Request
from agentforge.negotiation import form_failure, posted, success, wants_json
from agentforge.pagination import refusal_of
from agentforge.prepared_queries import Question
from builds.compiler import sandbox
from builds.errors import NotPossible
from builds.forms import ConversationForm, MessageForm, QuestionForm
from builds.models import ChatMessage, ChatSource, Conversation
from builds.trial import chat, places
from builds.trial.answer import load_partial
from builds.trial.conversations import (
    MOST_LISTED,
    conversations_of,
    listed_conversations,
    messages_in,
    messages_of,
    newest_of,
    sizes_question,
)
from configs.agent_report import position_of
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.views.forms import agent_of

from .conversations import chosen, page_of
from .responses import refused

_FIELDS = (
    "id",
    "role",
    "source",
    "speaker",
    "status",
    "content",
    "images",
    "tool_calls",
    "citations",
    "usage",
    "network",
    "error",
    "duration_ms",
)


@dataclass(frozen=True)
class Chat(ABC):
    """A chat with whoever answers for an agent; `place` is its conversation, none for a new one."""

    agent: AgentConfig
    place: Conversation | None = None

    source: ClassVar[ChatSource]

    @classmethod
    def of(cls, request: Request, pk: int, data: Mapping[str, object] | None) -> Self:
        """Return the chat in the conversation that `data` names: the one used last, unless it says which."""
        agent = agent_of(request, pk)
        return cls(agent, chosen(request, agent, cls.source, data))

    @classmethod
    def named(cls, request: Request, pk: int) -> Self:
        """Return the chat in the conversation that a request names in its URL or body; in all if none."""
        data = request.GET if "conversation" in request.GET else posted(request) or {}
        return cls.of(request, pk, data) if data.get("conversation") else cls(agent_of(request, pk))

    @abstractmethod
    def ask(self, by: User, form: QuestionForm) -> tuple[ChatMessage, ChatMessage]:
        """Store the question of a valid form and its pending answer. Raises NotPossible."""

    @abstractmethod
    def page(self, request: Request, form: MessageForm, status: int = 200) -> HttpResponse:
        """Render the chat, with a form for the next question."""

    @classmethod
    def show(cls, request: Request, pk: int) -> HttpResponse:
        """Show a conversation, to scripts with the list of all."""
        if (refusal := refusal_of(ConversationForm(request.GET), request)) is not None:
            return refusal
        shown = cls.of(request, pk, request.GET)
        if wants_json(request):
            begun = conversations_of(shown.agent, cls.source)
            return success(**conversation_json(shown.rows), conversations=conversations_json(begun))
        return shown.page(request, MessageForm())

    @property
    def rows(self) -> QuerySet[ChatMessage]:
        return messages_in(self.agent, self.source, self.place)

    def url(self, place: Conversation | None) -> str:
        """Return the address of a conversation; without one, of the chat."""
        return page_of(self.agent, self.source, place)

    def questions(self) -> tuple[Question[Conversation], Question[tuple[int, int]]]:
        """Return what the page asks about its conversations; `context` takes the answers."""
        begun = listed_conversations.question(agent=self.agent.pk, source=self.source)
        return begun, sizes_question(self.agent, self.source, self.place)

    def context(self, begun: Sequence[Conversation], sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
        """Return what the page shows of the conversation and the others."""
        return {
            **conversation(self.agent, self.source, self.place, sizes),
            "place": self.place,
            "begun": begun,
            # Where this conversation is read again.
            "address": self.url(self.place) + ("" if self.place or not begun else "?new=1"),
            "query": f"?{urlencode({'conversation': self.place.pk})}&" if self.place else "?",
        }

    def send(self, request: Request) -> HttpResponse:
        """Ask what was posted."""
        form = QuestionForm(posted(request), request.FILES)
        if not form.is_valid():
            return form_failure(form) if wants_json(request) else self.page(request, form, status=422)
        try:
            pair = self.ask(request.user, form)
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
            return form_failure(form, 409) if wants_json(request) else self.page(request, form, status=409)
        if wants_json(request):
            return success(202, channel=self.agent.stream_name, messages=messages_json(pair))
        return redirect(self.url(pair[0].conversation))

    def limited(self, request: Request, refusal: LimitReached) -> HttpResponse:
        """Show the chat with what was typed, and that it was one question too many."""
        form = MessageForm(posted(request))
        form.add_error(None, str(refusal))
        return self.page(request, form)

    def stop(self, request: Request) -> HttpResponse:
        """Stop the pending answer."""
        stopped = chat.stop(self.agent, self.source, self.place)
        return success(stopped=stopped) if wants_json(request) else redirect(self.url(self.place))

    def clear(self, request: Request) -> HttpResponse:
        """Ask for confirmation, then delete the conversation, or all of them if none is named."""
        url = self.url(self.place)
        if request.method != "POST":
            count = messages_of(self.agent, self.source, self.place).count()
            context = {"agent": self.agent, "count": count, "url": url, "conversation": self.place}
            return render(request, "builds/trial_clear.html", context)
        try:
            count = chat.clear(self.agent, self.source, self.place)
        except NotPossible as refusal:
            return refused(request, refusal, url)
        if wants_json(request):
            return success(deleted=count)
        messages.success(request, f"The conversation was deleted: {counted(count, 'message')}.")
        return redirect(self.url(None))


def conversation(
    agent: AgentConfig, source: ChatSource, place: Conversation | None, sizes: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """Return the context of a page that shows a conversation, read up to `position` of the agent's stream.

    `sizes` are those of its messages, read after that position, as are the messages: an event in between may
    arrive twice, but is never missed.
    """
    position = position_of(agent)
    rows = messages_in(agent, source, place) if sizes else ChatMessage.objects.none()
    chat_messages = list(newest_of(rows, sizes).select_related("build__revision"))
    for message in chat_messages:
        if message.status in chat.UNFINISHED:
            position = load_partial(message)
    return {
        "agent": agent,
        "chat_messages": chat_messages,
        "has_earlier": has_earlier(rows, chat_messages),
        "waiting": places.words_by_message(chat_messages),
        "answering": any(message.status in chat.UNFINISHED for message in chat_messages),
        "network": [attempt for message in chat_messages for attempt in message.network],
        "position": position,
        "isolated": sandbox.level() == sandbox.BUBBLEWRAP,
        "sandbox_label": sandbox.description(),
        "editable": True,
    }


def model_sentence(document: dict[str, Any]) -> str:
    """Return what to expect of the model that answers for a configuration."""
    stated = document["provider"]
    provider = PROVIDERS.get(stated.get("code", ""))
    return provider.sentence([stated["model"]]) if provider else ""


def has_earlier(rows: QuerySet[ChatMessage], chat_messages: Sequence[ChatMessage]) -> bool:
    """Return whether a conversation has messages before those that are shown."""
    return bool(chat_messages) and rows.filter(pk__lt=chat_messages[0].pk).exists()


def conversation_json(rows: QuerySet[ChatMessage]) -> dict[str, Any]:
    """Return the newest messages of a conversation, and whether there are earlier ones."""
    chat_messages = list(newest_of(rows))
    return {"messages": messages_json(chat_messages), "has_earlier": has_earlier(rows, chat_messages)}


def messages_json(chat_messages: Iterable[ChatMessage]) -> list[dict[str, Any]]:
    """Return the JSON representation of messages; `waiting` says why an answer can't start at once."""
    rows = list(chat_messages)
    prefetch_related_objects(rows, "build__revision")
    waiting = places.words_by_message(rows)
    return [
        {
            **{name: getattr(row, name) for name in _FIELDS},
            "waiting": waiting.get(row.pk, ""),
            "approvals": row.waiting_calls,
        }
        for row in rows
    ]


def conversations_json(rows: QuerySet[Conversation]) -> list[dict[str, Any]]:
    return [{"id": row.pk, "title": row.title, "active_at": row.active_at} for row in rows[:MOST_LISTED]]
