"""Try an agent: a chat with its newest build."""

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
from builds.models import Build, ChatMessage, ChatSource
from builds.preflight import changes
from builds.trial import chat
from builds.trial.starters import starters
from configs.agent_report import report_with
from configs.changes import field_label
from configs.models import AgentConfig
from configs.revisions import draft_json

from .chats import Chat, model_sentence


@dataclass(frozen=True)
class BuildChat(Chat):
    """The chat with the newest build of an agent."""

    source = ChatSource.BUILD

    def ask(self, by: User, form: QuestionForm) -> tuple[ChatMessage, ChatMessage]:
        data = form.cleaned_data
        return chat.ask(
            self.agent, by, data["content"], self.place, new=data["new"], pictures=data["pictures"]
        )

    def page(self, request: Request, form: MessageForm, status: int = 200) -> HttpResponse:
        answering = chat.newest_builds.question(agent=self.agent.pk)
        _, (builds, begun, sizes) = report_with(request, self.agent, answering, *self.questions())
        build: Build | None = next(iter(builds), None)
        document = json.loads(build.revision.canonical_json) if build else {}
        form.fields["content"].widget.attrs["autofocus"] = True
        context = {
            **self.context(begun, sizes),
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
    return BuildChat.show(request, pk)


def _limited(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    return BuildChat.of(request, pk, posted(request)).limited(request, refusal)


@require_POST
@negotiated
@rate_limited("messages", _limited)
def trial_send(request: Request, pk: int) -> HttpResponse:
    return BuildChat.of(request, pk, posted(request)).send(request)


@require_POST
@negotiated
def trial_stop(request: Request, pk: int) -> HttpResponse:
    return BuildChat.named(request, pk).stop(request)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def trial_clear(request: Request, pk: int) -> HttpResponse:
    return BuildChat.named(request, pk).clear(request)


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
