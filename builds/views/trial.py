"""Try an agent: a chat with its newest build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.models import User
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from agentforge.pagination import refusal_of
from builds.forms import ConversationForm, MessageForm, QuestionForm
from builds.models import Build, ChatMessage, Conversation
from builds.preflight import changes
from builds.trial import chat
from builds.trial.conversations import conversations_of, messages_in
from builds.trial.starters import starters
from configs.changes import field_label
from configs.models import AgentConfig
from configs.revisions import draft_json
from configs.views.forms import agent_of

from .chats import Chat, conversation, conversation_json, model_sentence
from .conversations import chosen, page_of

_MOST_LISTED = 50


@dataclass(frozen=True)
class BuildChat(Chat):
    """The chat with the newest build of an agent, in one of several conversations."""

    source = ChatMessage.Source.BUILD
    cleared = "The conversation was deleted"

    def ask(self, by: User, form: MessageForm) -> tuple[ChatMessage, ChatMessage]:
        data = form.cleaned_data
        return chat.ask(
            self.agent, by, data["content"], self.place, new=data["new"], pictures=data["pictures"]
        )

    def url(self, place: Conversation | None) -> str:
        return page_of(self.agent, place)

    def page(self, request: Request, form: MessageForm, status: int = 200) -> HttpResponse:
        build, place = chat.newest_build(self.agent), self.place
        document = json.loads(build.revision.canonical_json) if build else {}
        begun = list(conversations_of(self.agent)[:_MOST_LISTED]) if build else []
        form.fields["content"].widget.attrs["autofocus"] = True
        context = {
            **conversation(self.agent, messages_in(self.agent, place)),
            "place": place,
            "begun": begun,
            # Where this conversation is read again; a new one is nowhere yet.
            "address": self.url(place) if place or not begun else "",
            "export": f"?{urlencode({'conversation': place.pk})}&" if place else "?",
            "tab": "try",
            "form": form,
            "build": build,
            "takes_images": document.get("capabilities", {}).get("images", False),
            "changed": _changed_since(self.agent, build),
            "starters": starters(document) if document else [],
            "model_sentence": model_sentence(document) if document else "",
        }
        return render(request, "builds/trial_chat.html", context, status=status)


@require_safe
@negotiated
def trial(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if (refusal := refusal_of(ConversationForm(request.GET), request)) is not None:
        return refusal
    place = chosen(request, agent, request.GET)
    if wants_json(request):
        rows = messages_in(agent, place)
        return success(**conversation_json(rows), conversations=_conversations_json(conversations_of(agent)))
    return BuildChat(agent, place).page(request, MessageForm())


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    return _posted_to(request, pk).limited(request, refusal)


@require_POST
@negotiated
@rate_limited("messages", _limited)
def trial_send(request: Request, pk: int) -> HttpResponse:
    return _posted_to(request, pk).send(request, QuestionForm(posted(request), request.FILES))


@require_POST
@negotiated
def trial_stop(request: Request, pk: int) -> HttpResponse:
    return _named(request, pk).stop(request)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def trial_clear(request: Request, pk: int) -> HttpResponse:
    return _named(request, pk).clear(request)


def _posted_to(request: Request, pk: int) -> BuildChat:
    """Return the chat in the conversation that a question is for: the one used last, unless it says which."""
    agent = agent_of(request, pk)
    return BuildChat(agent, chosen(request, agent, posted(request)))


def _named(request: Request, pk: int) -> BuildChat:
    """Return the chat in the conversation that a request names in its URL or body; in all of them if none."""
    agent = agent_of(request, pk)
    data = request.GET if "conversation" in request.GET else posted(request) or {}
    return BuildChat(agent, chosen(request, agent, data) if data.get("conversation") else None)


def _changed_since(agent: AgentConfig, build: Build | None) -> list[str]:
    """Return what the draft has differently from the build that answers, in words."""
    if build is None:
        return []
    try:
        draft = draft_json(agent)
    except (KeyError, ValueError):
        return ["it can't be compiled yet"]
    found = changes(build.revision.canonical_json, draft)
    return list(dict.fromkeys(_in_a_sentence(field_label(change["name"])) for change in found))


def _in_a_sentence(label: str) -> str:
    return label[:1].lower() + label[1:]


def _conversations_json(rows: QuerySet[Conversation]) -> list[dict[str, Any]]:
    return [{"id": row.pk, "title": row.title, "active_at": row.active_at} for row in rows[:_MOST_LISTED]]
