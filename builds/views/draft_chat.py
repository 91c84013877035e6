"""Talk to the draft, without compiling it: a page, which the wizard also shows beside its forms."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.models import User
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted
from builds.forms import MessageForm, QuestionForm
from builds.models import ChatMessage, ChatSource
from builds.preflight import problems_of
from builds.trial import chat
from builds.trial.starters import starters
from configs.agent_report import report_with
from configs.changes import newest_revision
from configs.providers.offers import offers_question
from configs.revisions import draft_json

from .chats import Chat, model_sentence


@dataclass(frozen=True)
class DraftChat(Chat):
    """The chat with a draft."""

    source = ChatSource.DRAFT

    def ask(self, by: User, form: QuestionForm) -> tuple[ChatMessage, ChatMessage]:
        data = form.cleaned_data
        return chat.ask_draft(
            self.agent, by, data["content"], self.place, new=data["new"], pictures=data["pictures"]
        )

    def page(self, request: Request, form: MessageForm, status: int = 200) -> HttpResponse:
        asked = (newest_revision.question(agent=self.agent.pk), offers_question(self.agent.owner_id))
        report, (revisions, offered, begun, sizes) = report_with(
            request, self.agent, *asked, *self.questions()
        )
        problems = problems_of(self.agent, report, offered)
        document = "" if problems else draft_json(self.agent)
        context = {
            **self.context(begun, sizes),
            "revisions_read": revisions,
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
    return DraftChat.show(request, pk)


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    return DraftChat.of(request, pk, posted(request)).limited(request, refusal)


@require_POST
@negotiated
@rate_limited("messages", _limited)
def draft_send(request: Request, pk: int) -> HttpResponse:
    return DraftChat.of(request, pk, posted(request)).send(request)


@require_POST
@negotiated
def draft_stop(request: Request, pk: int) -> HttpResponse:
    return DraftChat.named(request, pk).stop(request)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def draft_clear(request: Request, pk: int) -> HttpResponse:
    return DraftChat.named(request, pk).clear(request)
