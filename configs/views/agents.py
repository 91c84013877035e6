"""List, create, duplicate and delete agents."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.formats import counted
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from agentforge.pagination import page_success, refusal_of
from configs import agent_list as listing
from configs import trash
from configs.agent_report import AgentReport, live_positions
from configs.agent_templates import agent_templates
from configs.forms import DraftForm
from configs.forms.agents import AgentListForm
from configs.forms.identity import TAKEN
from configs.forms.new_agent import NewAgentForm
from configs.models import AgentConfig
from configs.services import (
    HandleTaken,
    archive_agent,
    create_agent,
    duplicate_agent,
    new_draft,
    unarchive_agent,
)

from .forms import agent_of, bound_form, refuse


@require_safe
@negotiated
def agent_list(request: Request) -> HttpResponse:
    form = AgentListForm(request.GET)
    if (refusal := refusal_of(form, request)) is not None:
        return refusal
    query = form.cleaned_data
    found = listing.agent_list(request.user, query, request.GET.get("page"))
    if wants_json(request):
        return page_success(request, found.page, agents=[_listed(row.report) for row in found.rows])
    live = live_positions(row.agent for row in found.rows)
    context = {
        "page": found.page,
        "rows": found.rows,
        "examined": found.examined,
        "form": form,
        "query": query,
        "sort": query.get("sort") or listing.LATEST_FIRST,
        "archived": not found.rows and _has_archived(request),
        "narrowed": any(query.get(name) for name in ("q", "state", "provider", "shown")),
        "live": " ".join(f"{name}:{position}" for name, position in live.items()),
    }
    return render(request, "configs/agent_list.html", context)


def _has_archived(request: Request) -> bool:
    return AgentConfig.objects.owned_by(request.user).filter(archived_at__isnull=False).exists()


def _listed(report: AgentReport) -> dict[str, Any]:
    fields = ("id", "name", "handle", "type", "version", "provider", "model", "updated_at", "archived_at")
    values = {name: getattr(report.agent, name) for name in fields}
    return {
        **values,
        "key_trouble": report.trouble.sentence if report.trouble else "",
        "state": report.headline.state,
        "status": report.headline.words,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def agent_new(request: Request) -> HttpResponse:
    draft = new_draft(request.user)
    slug = _template_slug(request)
    templates = agent_templates()
    if slug in templates:
        templates[slug].fill(draft)
    context = {"templates": templates.values(), "template": slug}
    if request.method != "POST":
        form: DraftForm = NewAgentForm(instance=draft, initial={"template": slug})
        return render(request, "configs/agent_new.html", {**context, "form": form})
    form = bound_form(request, NewAgentForm, draft)
    if form.is_valid():
        try:
            agent = create_agent(form.instance)
        except HandleTaken:
            form.add_error("handle", TAKEN)
        else:
            if wants_json(request):
                return success(201, id=agent.pk, url=agent.get_absolute_url(), **form.values())
            return redirect("configs:keys", pk=agent.pk)
    return refuse(
        request, form, page="configs/agent_new.html", partial="configs/_new_form.html", context=context
    )


def _template_slug(request: Request) -> str:
    sent = posted(request)
    return str((request.GET if sent is None else sent).get("template", ""))


@require_POST
@negotiated
def agent_duplicate(request: Request, pk: int) -> HttpResponse:
    copy = duplicate_agent(agent_of(request, pk))
    if wants_json(request):
        return success(201, id=copy.pk, url=copy.get_absolute_url())
    messages.success(request, f"This is a copy, with the handle {copy.handle}.")
    return redirect(copy)


@require_POST
@negotiated
def agent_archive(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    archive_agent(agent)
    if wants_json(request):
        return success()
    undo = reverse("configs:unarchive", args=[agent.pk])
    messages.success(request, f"{agent.name} is archived: out of the list, otherwise as before.", undo)
    return redirect("configs:list")


@require_POST
@negotiated
def agent_unarchive(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    unarchive_agent(agent)
    if wants_json(request):
        return success()
    messages.success(request, f"{agent.name} is back in the list.")
    return redirect("configs:list")


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def agent_delete(request: Request, pk: int) -> HttpResponse:
    """Say what goes; move the agent to the trash."""
    agent = agent_of(request, pk)
    if request.method != "POST":
        deletion = trash.deletions([agent])[0]
        context = {"agent": agent, "deletion": deletion, "days": settings.TRASH_DAYS}
        return render(request, "configs/agent_delete.html", context)
    ended = trash.move_to_trash(agent, by=request.user)
    if wants_json(request):
        return success(ended=ended)
    also = "".join(f" {words[0].upper()}{words[1:]}." for words in ended)
    undo = reverse("configs:trash_restore", args=[agent.pk])
    days = settings.TRASH_DAYS
    until = f"It is deleted in {counted(days, 'day')}." if days else "It stays there until you delete it."
    messages.success(request, f"{agent.name} is in the trash. {until}{also}", undo)
    return redirect("configs:list")
