"""Deploy a build when it is built."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.expectation import usual_durations
from builds.models import PLUGIN
from builds.queue.fairness import QueueFull
from builds.serializers import build_json
from builds.services import enqueue_build
from builds.views.responses import draft_refused, queue_full
from configs.draft_check import check_draft
from configs.views.forms import agent_of
from deployments import planning, preflight
from deployments.errors import NotPossible
from deployments.forms import PlanForm
from deployments.hosts.registry import KINDS
from deployments.sites import lifecycle

from .setup import page
from .shared import shows_refusals, to_agent


@require_POST
@negotiated
@rate_limited("deployments")
@shows_refusals(to_agent)
def plan(request: Request, pk: int) -> HttpResponse:
    """Compile the draft unless a build is under way, and deploy the build when it succeeds."""
    agent = agent_of(request, pk)
    site = lifecycle.site_of(agent)
    if site is None:
        raise NotPossible("Create a site, or choose one.")
    kind = KINDS[site.host]
    form = PlanForm(posted(request), kind=kind, usual=usual_durations(agent.pk))
    build = preflight.unfinished_build(agent, kind)
    if not form.is_valid() and build is None:
        return form_failure(form) if wants_json(request) else page(request, agent, form=form, status=422)
    planning.require_plannable(site)
    if build is None and (errors := check_draft(agent)):
        return draft_refused(request, agent, errors)
    try:
        with transaction.atomic():
            if build is None:
                plugin = [PLUGIN] if site.offers_download else []
                build = enqueue_build(agent, request.user, [*plugin, *form.cleaned_data["targets"]])
            planning.plan(site, build, request.user, draft=form.cleaned_data["draft"])
    except QueueFull as refusal:
        return queue_full(request, refusal)
    return success(201, build=build_json(build)) if wants_json(request) else redirect("deployments:agent", pk)


@require_POST
@negotiated
@shows_refusals(to_agent)
def drop(request: Request, pk: int) -> HttpResponse:
    """Let the build go on, and deploy nothing afterwards."""
    site = lifecycle.site_of(agent_of(request, pk))
    if site is None or site.planned_build_id is None:
        raise NotPossible("Nothing is planned to be deployed.")
    planning.drop(site)
    if wants_json(request):
        return success()
    messages.success(request, f"Build {site.planned_build_id} goes on, and is not deployed by itself.")
    return redirect("deployments:agent", pk)
