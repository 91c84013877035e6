"""Talk to the draft, without compiling it: a page, which the wizard also shows beside its forms."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.formats import counted
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.errors import NotPossible
from builds.forms import MessageForm
from builds.models import ChatMessage
from builds.preflight import problems_of
from builds.trial import chat
from builds.trial.starters import starters
from configs.models import AgentConfig
from configs.revisions import draft_json
from configs.views.forms import agent_of

from .responses import refused
from .trial import conversation, conversation_json, messages_json, model_sentence

DRAFT = ChatMessage.Source.DRAFT


@require_safe
@negotiated
def draft(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if wants_json(request):
        return success(**conversation_json(chat.messages_of(agent, DRAFT)))
    return _page(request, agent, MessageForm())


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    form = MessageForm(posted(request))
    form.add_error(None, str(refusal))
    return _page(request, agent_of(request, pk), form)


@require_POST
@negotiated
@rate_limited("messages", _limited)
def draft_send(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = MessageForm(posted(request))
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else _page(request, agent, form, status=422)
    try:
        pair = chat.ask_draft(agent, by=request.user, text=form.cleaned_data["content"])
    except NotPossible as refusal:
        form.add_error(None, str(refusal))
        return form_failure(form, 409) if wants_json(request) else _page(request, agent, form, status=409)
    if wants_json(request):
        return success(202, channel=agent.stream_name, messages=messages_json(pair))
    return redirect("builds:draft", pk=agent.pk)


@require_POST
@negotiated
def draft_stop(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    stopped = chat.stop(agent, DRAFT)
    return success(stopped=stopped) if wants_json(request) else redirect("builds:draft", pk=agent.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def draft_clear(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, then delete the conversation with the draft."""
    agent = agent_of(request, pk)
    url = reverse("builds:draft", args=[agent.pk])
    if request.method != "POST":
        context = {"agent": agent, "count": chat.messages_of(agent, DRAFT).count(), "url": url}
        return render(request, "builds/trial_clear.html", context)
    try:
        count = chat.clear(agent, DRAFT)
    except NotPossible as refusal:
        return refused(request, refusal, url)
    if wants_json(request):
        return success(deleted=count)
    messages.success(request, f"The chat with the draft was cleared: {counted(count, 'message')}.")
    return redirect(url)


def _page(request: Request, agent: AgentConfig, form: MessageForm, status: int = 200) -> HttpResponse:
    problems = problems_of(agent)
    document = "" if problems else draft_json(agent)
    context = {
        **conversation(agent, chat.messages_of(agent, DRAFT)),
        "form": form,
        "tab": "draft",
        "problems": problems,
        "edition": chat.edition_of(agent, document) if document else "",
        "starters": starters(json.loads(document)) if document else [],
        "model_sentence": model_sentence(json.loads(document)) if document else "",
    }
    return render(request, "builds/draft_chat.html", context, status=status)
