"""Try an agent: a chat with its newest build."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.formats import counted
from agentforge.http import Request
from agentforge.live import streams
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from agentforge.pagination import refusal_of
from builds.compiler import sandbox
from builds.errors import NotPossible
from builds.forms import ConversationForm, MessageForm, QuestionForm
from builds.models import Build, ChatMessage, Conversation
from builds.preflight import changes
from builds.trial import chat, places
from builds.trial.answer import load_partial
from builds.trial.conversations import conversations_of, messages_in, newest_of
from builds.trial.starters import starters
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.revisions import draft_json
from configs.views.forms import agent_of

from .conversations import chosen, page_of
from .responses import refused

BUILDS = ChatMessage.Source.BUILD
_MOST_LISTED = 50


@require_safe
@negotiated
def trial(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if (refusal := refusal_of(ConversationForm(request.GET), request)) is not None:
        return refusal
    conversation = chosen(request, agent, request.GET)
    if wants_json(request):
        rows = messages_in(agent, conversation)
        return success(**conversation_json(rows), conversations=conversations_json(conversations_of(agent)))
    return _page(request, agent, MessageForm(), conversation)


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    form = MessageForm(posted(request))
    form.add_error(None, str(refusal))
    agent = agent_of(request, pk)
    return _page(request, agent, form, chosen(request, agent, posted(request)))


@require_POST
@negotiated
@rate_limited("messages", _limited)
def trial_send(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = QuestionForm(posted(request))
    place = chosen(request, agent, posted(request))
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else _page(request, agent, form, place, status=422)
    try:
        pair = chat.ask(
            agent, request.user, form.cleaned_data["content"], place, new=form.cleaned_data["new"]
        )
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
        return (
            form_failure(form, 409) if wants_json(request) else _page(request, agent, form, place, status=409)
        )
    if wants_json(request):
        return success(202, channel=agent.stream_name, messages=messages_json(pair))
    return redirect(page_of(agent, pair[0].conversation))


def _named(request: Request, agent: AgentConfig) -> Conversation | None:
    """Return the conversation that a request names in its URL or body; None for all of them."""
    data = request.GET if "conversation" in request.GET else posted(request) or {}
    return chosen(request, agent, data) if data.get("conversation") else None


@require_POST
@negotiated
def trial_stop(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    place = _named(request, agent)
    stopped = chat.stop(agent, BUILDS, place)
    if wants_json(request):
        return success(stopped=stopped)
    return redirect(page_of(agent, place))


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def trial_clear(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, then delete a conversation, or all of them if none is named."""
    agent = agent_of(request, pk)
    place = _named(request, agent)
    rows = chat.messages_of(agent, BUILDS, place)
    if request.method != "POST":
        context = {"agent": agent, "count": rows.count(), "url": page_of(agent, place), "conversation": place}
        return render(request, "builds/trial_clear.html", context)
    try:
        count = chat.clear(agent, BUILDS, place)
    except NotPossible as refusal:
        return refused(request, refusal, page_of(agent, place))
    if wants_json(request):
        return success(deleted=count)
    messages.success(request, f"The conversation was deleted: {counted(count, 'message')}.")
    return redirect("builds:try", pk=agent.pk)


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


def _page(
    request: Request, agent: AgentConfig, form: MessageForm, place: Conversation | None, status: int = 200
) -> HttpResponse:
    build = chat.newest_build(agent)
    form.fields["content"].widget.attrs["autofocus"] = True
    begun = list(conversations_of(agent)[:_MOST_LISTED]) if build else []
    context = {
        **conversation(agent, messages_in(agent, place)),
        "place": place,
        "begun": begun,
        # Where this conversation is read again; a new one is nowhere yet.
        "address": page_of(agent, place) if place or not begun else "",
        "export": f"?{urlencode({'conversation': place.pk})}&" if place else "?",
        "tab": "try",
        "form": form,
        "build": build,
        "changed": _changed_since(agent, build),
        "starters": starters(json.loads(build.revision.canonical_json)) if build else [],
        "model_sentence": model_sentence(json.loads(build.revision.canonical_json)) if build else "",
    }
    return render(request, "builds/trial_chat.html", context, status=status)


def model_sentence(document: dict[str, Any]) -> str:
    """Return what to expect of the model that answers for a configuration."""
    stated = document["provider"]
    provider = PROVIDERS.get(stated.get("code", ""))
    return provider.sentence([stated["model"]]) if provider else ""


def _changed_since(agent: AgentConfig, build: Build | None) -> list[str]:
    """Return what the draft has differently from the build that answers, in words."""
    if build is None:
        return []
    try:
        draft = draft_json(agent)
    except (KeyError, ValueError):
        return ["it can't be compiled yet"]
    found = changes(build.revision.canonical_json, draft)
    names = [change["name"].rpartition(".")[2].replace("_", " ") for change in found]
    return list(dict.fromkeys(names))


def conversations_json(rows: QuerySet[Conversation]) -> list[dict[str, Any]]:
    return [{"id": row.pk, "title": row.title, "active_at": row.active_at} for row in rows[:_MOST_LISTED]]


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
    names = (
        "id",
        "role",
        "source",
        "speaker",
        "status",
        "content",
        "tool_calls",
        "usage",
        "network",
        "error",
        "duration_ms",
    )
    return [
        {**{name: getattr(row, name) for name in names}, "waiting": waiting.get(row.pk, "")} for row in rows
    ]
