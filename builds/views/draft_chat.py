"""Talk to the draft, without compiling it: a page, which the wizard also shows beside its forms."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.models import User
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from builds.forms import MessageForm
from builds.models import ChatMessage, Conversation
from builds.preflight import problems_of
from builds.trial import chat
from builds.trial.starters import starters
from configs.revisions import draft_json
from configs.views.forms import agent_of

from .chats import Chat, conversation, conversation_json, model_sentence

DRAFT = ChatMessage.Source.DRAFT


@dataclass(frozen=True)
class DraftChat(Chat):
    """The chat with a draft: one conversation."""

    source = DRAFT
    cleared = "The chat with the draft was cleared"

    def ask(self, by: User, form: MessageForm) -> tuple[ChatMessage, ChatMessage]:
        data = form.cleaned_data
        return chat.ask_draft(self.agent, by=by, text=data["content"], pictures=data["pictures"])

    def url(self, place: Conversation | None) -> str:
        return reverse("builds:draft", args=[self.agent.pk])

    def page(self, request: Request, form: MessageForm, status: int = 200) -> HttpResponse:
        problems = problems_of(self.agent)
        document = "" if problems else draft_json(self.agent)
        context = {
            **conversation(self.agent, chat.messages_of(self.agent, DRAFT)),
            "form": form,
            "tab": "draft",
            "problems": problems,
            "takes_images": self.agent.images,
            "edition": chat.edition_of(self.agent, document) if document else "",
            "starters": starters(json.loads(document)) if document else [],
            "model_sentence": model_sentence(json.loads(document)) if document else "",
        }
        return render(request, "builds/draft_chat.html", context, status=status)


@require_safe
@negotiated
def draft(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if wants_json(request):
        return success(**conversation_json(chat.messages_of(agent, DRAFT)))
    return DraftChat(agent).page(request, MessageForm())


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    return DraftChat(agent_of(request, pk)).limited(request, refusal)


@require_POST
@negotiated
@rate_limited("messages", _limited)
def draft_send(request: Request, pk: int) -> HttpResponse:
    return DraftChat(agent_of(request, pk)).send(request, MessageForm(posted(request), request.FILES))


@require_POST
@negotiated
def draft_stop(request: Request, pk: int) -> HttpResponse:
    return DraftChat(agent_of(request, pk)).stop(request)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def draft_clear(request: Request, pk: int) -> HttpResponse:
    return DraftChat(agent_of(request, pk)).clear(request)
