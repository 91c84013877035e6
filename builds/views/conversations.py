"""The conversations with an agent: choosing, renaming and exporting one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.forms import ConversationExportForm, ConversationForm, ConversationTitleForm
from builds.models import ChatSource, Conversation
from builds.trial import conversations, transcript
from configs.models import AgentConfig
from configs.views.forms import agent_of

_PAGES = {ChatSource.BUILD: "builds:try", ChatSource.DRAFT: "builds:draft"}


def chosen(
    request: Request, agent: AgentConfig, source: ChatSource, data: Mapping[str, object] | None
) -> Conversation | None:
    """Return the conversation that a request is about, None for a new one; Http404 if it isn't there."""
    form = ConversationForm(data or {})
    if "conversation" in form.errors:
        raise Http404
    pk, new = form.cleaned_data["conversation"], form.cleaned_data.get("new", False)
    if pk:
        return _conversation(request, agent, pk, source=source)
    return None if new else conversations.newest_conversation.first(agent=agent.pk, source=source)


def page_of(agent: AgentConfig, source: str, conversation: Conversation | None) -> str:
    """Return the URL of a conversation with an agent's builds or draft; without one, of the chat."""
    query = f"?{urlencode({'conversation': conversation.pk})}" if conversation else ""
    return reverse(_PAGES[ChatSource(source)], args=[agent.pk]) + query


@require_POST
@negotiated
def conversation_rename(request: Request, pk: int, conversation: int) -> HttpResponse:
    agent = agent_of(request, pk)
    row = _conversation(request, agent, conversation)
    page = page_of(agent, row.source, row)
    form = ConversationTitleForm(posted(request))
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        messages.warning(request, f"The title was not changed. {form.errors['title'][0]}")
        return redirect(page)
    conversations.rename(row, form.cleaned_data["title"])
    return success(title=form.cleaned_data["title"]) if wants_json(request) else redirect(page)


@require_safe
@negotiated
def conversation_export(request: Request, pk: int) -> HttpResponse:
    return _export(request, pk, ChatSource.BUILD)


@require_safe
@negotiated
def draft_export(request: Request, pk: int) -> HttpResponse:
    return _export(request, pk, ChatSource.DRAFT)


def _export(request: Request, pk: int, source: ChatSource) -> HttpResponse:
    """Return a conversation as a file, Markdown or JSON, without the owner's keys."""
    agent = agent_of(request, pk)
    form = ConversationExportForm(request.GET)
    if not form.is_valid():
        return form_failure(form)
    conversation = chosen(request, agent, source, request.GET)
    rows = conversations.messages_in(agent, source, conversation).select_related("build__revision")
    title = conversation.title if conversation else "Conversation"
    as_json = form.cleaned_data["form"] == "json"
    write = transcript.as_json if as_json else transcript.as_markdown
    name = f"{agent.handle}-conversation.{'json' if as_json else 'md'}"
    pieces = write(agent, title, rows)
    return HttpResponse(
        b"".join(piece.encode() for piece in pieces),
        content_type="application/json" if as_json else "text/markdown; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _conversation(request: Request, agent: AgentConfig, pk: int, **having: ChatSource) -> Conversation:
    rows = Conversation.objects.owned_by(request.user).filter(agent=agent, **having)
    row: Conversation = get_object_or_404(rows, pk=pk)
    return row
