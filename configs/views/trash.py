"""The trash: what is in it and when it goes, restoring it, deleting it now."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from agentforge.tenancy.rls import as_service
from configs import trash
from configs.forms.agents import DeleteForm
from configs.models import AgentConfig


@require_safe
@negotiated
def trash_list(request: Request) -> HttpResponse:
    rows = trash.contents(request.user)
    if wants_json(request):
        return success(agents=[_json(row) for row in rows])
    return render(request, "configs/trash.html", {"rows": rows, "days": settings.TRASH_DAYS})


def _json(row: trash.Deletion) -> dict[str, Any]:
    facts = {name: getattr(row.agent, name) for name in ("id", "name", "handle", "trashed_at")}
    return {**facts, "goes_at": row.goes_at, "goes": row.goes, "stays": row.stays}


@require_POST
@negotiated
def trash_restore(request: Request, pk: int) -> HttpResponse:
    agent = _trashed(request, pk)
    restored = trash.restore(agent, by=request.user)
    if wants_json(request):
        return success(id=restored.pk, handle=restored.handle, url=restored.get_absolute_url())
    note = ""
    if restored.handle != agent.handle:
        note = f" Its handle {agent.handle} was taken meanwhile: it is now {restored.handle}."
    messages.success(request, f"{restored.name} is back.{note}")
    return redirect(restored)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def trash_delete(request: Request, pk: int) -> HttpResponse:
    """Delete an agent out of the trash now, confirmed by its handle."""
    agent = _trashed(request, pk)
    form = DeleteForm(posted(request), handle=agent.handle)
    if form.is_valid():
        trash.delete_now(agent)
        if wants_json(request):
            return success()
        messages.success(request, f"{agent.name} is deleted.")
        return redirect("configs:trash")
    if form.is_bound and wants_json(request):
        return form_failure(form)
    context = {"trashed": agent, "form": form, "deletion": trash.deletions([agent])[0]}
    return render(request, "configs/trash_delete.html", context, status=422 if form.is_bound else 200)


def _trashed(request: Request, pk: int) -> AgentConfig:
    with as_service():
        agent: AgentConfig = get_object_or_404(trash.in_trash(request.user), pk=pk)
    return agent
