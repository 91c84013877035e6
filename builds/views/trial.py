"""Try an agent: a chat with its newest build."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.live import streams
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.compiler import sandbox
from builds.errors import NotPossible
from builds.forms import MessageForm
from builds.models import Build, ChatMessage
from builds.preflight import changes
from builds.trial import chat, places
from builds.trial.answer import load_partial
from builds.trial.starters import starters
from configs.draft_check import known_problems
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.revisions import draft_json
from configs.views.forms import agent_of

from .responses import refused

BUILDS = ChatMessage.Source.BUILD


@require_safe
@negotiated
def trial(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if wants_json(request):
        return success(messages=messages_json(chat.messages_of(agent, BUILDS)))
    return _page(request, agent, MessageForm())


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    form = MessageForm(posted(request))
    form.add_error(None, str(refusal))
    return _page(request, agent_of(request, pk), form)


@require_POST
@negotiated
@rate_limited("messages", _limited)
def trial_send(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = MessageForm(posted(request))
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else _page(request, agent, form, status=422)
    try:
        pair = chat.ask(agent, by=request.user, text=form.cleaned_data["content"])
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
        return form_failure(form, 409) if wants_json(request) else _page(request, agent, form, status=409)
    if wants_json(request):
        return success(202, channel=agent.stream_name, messages=messages_json(pair))
    return redirect("builds:try", pk=agent.pk)


@require_POST
@negotiated
def trial_stop(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    stopped = chat.stop(agent)
    if wants_json(request):
        return success(stopped=stopped)
    return redirect("builds:try", pk=agent.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def trial_clear(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, then delete the chat."""
    agent = agent_of(request, pk)
    if request.method != "POST":
        context = {
            "agent": agent,
            "count": chat.messages_of(agent, BUILDS).count(),
            "url": reverse("builds:try", args=[agent.pk]),
        }
        return render(request, "builds/trial_clear.html", context)
    try:
        count = chat.clear(agent)
    except NotPossible as refusal:
        return refused(request, refusal, reverse("builds:try", args=[agent.pk]))
    if wants_json(request):
        return success(deleted=count)
    messages.success(request, f"The chat was cleared: {count} messages.")
    return redirect("builds:try", pk=agent.pk)


def conversation(request: Request, agent: AgentConfig, source: ChatMessage.Source) -> dict[str, Any]:
    """Return the context of a page that shows a conversation, read up to `position` of the agent's stream."""
    position = streams.position(agent.stream_name)
    # Read after the position: an event in between may arrive twice, but is never missed.
    chat_messages = list(chat.messages_of(agent, source).select_related("build__revision"))
    for message in chat_messages:
        if message.status in chat.UNFINISHED:
            position = load_partial(message)
    return {
        "agent": agent,
        "chat_messages": chat_messages,
        "waiting": places.words_by_message(chat_messages),
        "answering": any(message.status in chat.UNFINISHED for message in chat_messages),
        "network": [attempt for message in chat_messages for attempt in message.network],
        "position": position,
        "isolated": sandbox.level() == sandbox.BUBBLEWRAP,
        "sandbox_label": sandbox.description(),
        "editable": True,
    }


def _page(request: Request, agent: AgentConfig, form: MessageForm, status: int = 200) -> HttpResponse:
    build = chat.newest_build(agent)
    context = {
        **conversation(request, agent, BUILDS),
        "tab": "try",
        "form": form,
        "build": build,
        "changed": _changed_since(agent, build),
        "model_sentence": _model_sentence(build),
        "starters": starters(json.loads(build.revision.canonical_json)) if build else [],
    }
    return render(request, "builds/trial_chat.html", context, status=status)


def _model_sentence(build: Build | None) -> str:
    """Return what to expect of the model that answers."""
    stated = json.loads(build.revision.canonical_json)["provider"] if build else {}
    provider = PROVIDERS.get(stated.get("code", ""))
    return provider.sentence([stated["model"]]) if provider else ""


def _changed_since(agent: AgentConfig, build: Build | None) -> list[str]:
    """Return what the draft has differently from the build that answers, in words."""
    if build is None or known_problems(agent):
        return ["it can't be compiled yet"] if build else []
    found = changes(build.revision.canonical_json, draft_json(agent))
    names = [change["name"].rpartition(".")[2].replace("_", " ") for change in found]
    return list(dict.fromkeys(names))


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
