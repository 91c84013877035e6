"""One message of a chat: as it is now, asked again, or reworded."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.errors import NotPossible
from builds.forms import ApprovalForm, TextForm
from builds.models import ChatImage, ChatMessage
from builds.trial import approvals, chat, places, replacement
from builds.trial.answer import load_partial
from builds.trial.conversations import conversation_of
from configs.views.forms import agent_of

from .chats import messages_json
from .conversations import page_of
from .responses import refused


@require_safe
@negotiated
def message_detail(request: Request, pk: int, message: int) -> HttpResponse:
    """Return a message as it is now: as JSON, or as the piece of the page that shows it."""
    row = _message(request, pk, message)
    if row.status in chat.UNFINISHED:
        load_partial(row)
    if wants_json(request):
        return success(message=messages_json([row])[0])
    last = not conversation_of(row).filter(pk__gt=row.pk).exists()
    context = {"message": row, "waiting": places.words_by_message([row]), "last": last, "editable": True}
    return render(request, "_chat_message.html", context)


@require_safe
def message_image(request: Request, pk: int, message: int, number: int) -> HttpResponse:
    """Return an image of a question."""
    image = get_object_or_404(ChatImage, message=_message(request, pk, message), number=number)
    return HttpResponse(
        bytes(image.content),
        content_type=image.media_type,
        headers={"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"},
    )


def _limited(request: Request, refusal: LimitReached, /, pk: int, message: int) -> HttpResponse:
    messages.warning(request, str(refusal))
    return redirect(_page_of(_message(request, pk, message)))


@require_POST
@negotiated
@rate_limited("messages", _limited)
def message_regenerate(request: Request, pk: int, message: int) -> HttpResponse:
    answer = _message(request, pk, message)
    return _replaced(request, answer, lambda: replacement.regenerate(answer, by=request.user))


@require_POST
@negotiated
@rate_limited("messages", _limited)
def message_resend(request: Request, pk: int, message: int) -> HttpResponse:
    """Replace a question's words, and what followed it; its images stay."""
    question = _message(request, pk, message)
    form = TextForm(posted(request))
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        messages.warning(request, f"Nothing was sent: {form.errors['content'][0]}")
        return redirect(_page_of(question))
    text = form.cleaned_data["content"]
    return _replaced(request, question, lambda: replacement.resend(question, by=request.user, text=text))


@require_POST
@negotiated
@rate_limited("messages", _limited)
def message_approve(request: Request, pk: int, message: int) -> HttpResponse:
    """Answer a call that waits for a person; the agent goes on with the same answer."""
    row = _message(request, pk, message)
    form = ApprovalForm(posted(request))
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        messages.warning(request, "Nothing was sent: choose one of the answers.")
        return redirect(_page_of(row))
    try:
        approvals.answer(row, by=request.user, **form.cleaned_data)
    except NotPossible as refusal:
        return refused(request, refusal, _page_of(row))
    row.refresh_from_db()
    if wants_json(request):
        return success(202, channel=row.agent.stream_name, message=messages_json([row])[0])
    return redirect(_page_of(row))


def _message(request: Request, pk: int, message: int) -> ChatMessage:
    rows = ChatMessage.objects.owned_by(request.user).filter(agent=agent_of(request, pk))
    row: ChatMessage = get_object_or_404(
        rows.select_related("agent", "conversation", "build__revision"), pk=message
    )
    return row


def _page_of(message: ChatMessage) -> str:
    return page_of(message.agent, message.source, message.conversation)


def _replaced(
    request: Request, message: ChatMessage, replace: Callable[[], tuple[ChatMessage, ChatMessage]]
) -> HttpResponse:
    page, channel = _page_of(message), message.agent.stream_name
    try:
        pair = replace()
    except NotPossible as refusal:
        return refused(request, refusal, page)
    return (
        success(202, channel=channel, messages=messages_json(pair)) if wants_json(request) else redirect(page)
    )
