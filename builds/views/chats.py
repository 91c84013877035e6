"""What the pages of a chat share, whether a build of the agent answers or its draft."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render

from agentforge.accounts.models import User
from agentforge.accounts.throttling.rate_limits import LimitReached
from agentforge.formats import counted
from agentforge.http import Request
from agentforge.live import streams
from agentforge.negotiation import form_failure, posted, success, wants_json
from builds.compiler import sandbox
from builds.errors import NotPossible
from builds.forms import MessageForm
from builds.models import ChatMessage, Conversation
from builds.trial import chat, places
from builds.trial.answer import load_partial
from builds.trial.conversations import newest_of
from configs.models import AgentConfig
from configs.providers import PROVIDERS

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
    """A chat with whoever answers for an agent; `place` is its conversation, where there are several."""

    agent: AgentConfig
    place: Conversation | None = None

    source: ClassVar[ChatMessage.Source]
    # What is said once its messages are deleted.
    cleared: ClassVar[str]

    @abstractmethod
    def ask(self, by: User, form: MessageForm) -> tuple[ChatMessage, ChatMessage]:
        """Store the question of a valid form and its pending answer. Raises NotPossible."""

    @abstractmethod
    def url(self, place: Conversation | None) -> str:
        """Return the address of a conversation; without one, of the chat."""

    @abstractmethod
    def page(self, request: Request, form: MessageForm, status: int = 200) -> HttpResponse:
        """Render the chat, with a form for the next question."""

    def send(self, request: Request, form: MessageForm) -> HttpResponse:
        """Ask what a form holds."""
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
            count = chat.messages_of(self.agent, self.source, self.place).count()
            context = {"agent": self.agent, "count": count, "url": url, "conversation": self.place}
            return render(request, "builds/trial_clear.html", context)
        try:
            count = chat.clear(self.agent, self.source, self.place)
        except NotPossible as refusal:
            return refused(request, refusal, url)
        if wants_json(request):
            return success(deleted=count)
        messages.success(request, f"{self.cleared}: {counted(count, 'message')}.")
        return redirect(self.url(None))


def conversation(agent: AgentConfig, rows: QuerySet[ChatMessage]) -> dict[str, Any]:
    """Return the context of a page that shows a conversation, read up to `position` of the agent's stream."""
    position = streams.position(agent.stream_name)
    # Read after the position: an event in between may arrive twice, but is never missed.
    chat_messages = list(newest_of(rows).select_related("build__revision"))
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
