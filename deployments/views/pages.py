"""The list of deployments, and the page of one with its progress and log."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from agentforge.pagination import page_of, page_success, refusal_of
from deployments import history, reports, services
from deployments.forms import DeploymentListForm
from deployments.hosts.registry import KINDS
from deployments.models import UNFINISHED, Deployment
from deployments.run import places

from .shared import deployment_of


@require_safe
@negotiated
def deployment_list(request: Request) -> HttpResponse:
    form = DeploymentListForm(request.GET)
    if (refusal := refusal_of(form, request)) is not None:
        return refusal
    agent, status = form.cleaned_data.get("agent"), form.cleaned_data.get("status")
    rows = Deployment.objects.owned_by(request.user).select_related("site__agent", "revision")
    if agent:
        rows = rows.filter(site__agent=agent)
    if status:
        rows = rows.filter(status=status)
    page = page_of(rows, request.GET.get("page"))
    if wants_json(request):
        return page_success(request, page, deployments=reports.deployments_json(page))
    form.offer_agents(request.user)
    context = {"page": page, "form": form, "narrowed": bool(agent or status)}
    return render(request, "deployments/deployment_list.html", context)


@require_safe
@negotiated
def deployment_detail(request: Request, pk: int) -> HttpResponse:
    deployment = deployment_of(request, pk)
    if wants_json(request):
        return success(deployment=reports.deployment_json(deployment))
    log = reports.transcript(deployment)
    if log.ended and deployment.status in UNFINISHED:
        # It ended between the two queries: the page would wait for an end that it has already read.
        deployment = deployment_of(request, pk)
    entry = history.entries_for([deployment])[deployment.pk]
    context = {
        "deployment": deployment,
        "site": deployment.site,
        "kind": KINDS[deployment.site.host],
        "address": history.web_address(deployment.site.url if deployment.is_live else deployment.url),
        "own_address": history.web_address(deployment.url),
        "may_go_live": services.is_publishable(deployment),
        "agent": deployment.site.agent,
        "log": None,
        "found": log,
        "unfinished": deployment.status in UNFINISHED,
        "waits_for": places.words_of(deployment),
        "differences": entry.changes,
        "facts": entry,
        "variables": deployment.site.variables,
    }
    return render(request, "deployments/deployment_detail.html", context)
