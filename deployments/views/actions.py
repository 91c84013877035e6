"""Actions on deployments and their sites."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.models import Build
from configs.views.forms import agent_of
from deployments import preflight, reports, services
from deployments.errors import NotPossible
from deployments.forms import DeleteSiteForm, StartForm
from deployments.hosts.registry import KINDS
from deployments.models import Deployment, Site
from deployments.sites import lifecycle, polling

from .shared import deployment_of, shows_refusals, site_at, to_agent, to_deployment, to_site


@require_POST
@negotiated
@rate_limited("deployments")
@shows_refusals(to_agent)
def start(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = StartForm(posted(request))
    site = lifecycle.site_of(agent)
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        raise NotPossible("Choose a build first.")
    build: Build = get_object_or_404(Build.objects.owned_by(request.user), pk=form.cleaned_data["build"])
    preflight.require_ready(agent, site, build)
    if site is None:
        raise NotPossible("Create a site, or choose one.")
    return _started(request, services.enqueue(site, build, request.user, draft=form.cleaned_data["draft"]))


def _started(request: Request, deployment: Deployment) -> HttpResponse:
    if wants_json(request):
        return success(201, deployment=reports.deployment_json(deployment))
    return redirect(deployment)


@require_POST
@negotiated
@rate_limited("deployments")
@shows_refusals(to_deployment)
def retry(request: Request, pk: int) -> HttpResponse:
    return _started(request, services.retry(deployment_of(request, pk), request.user))


@require_POST
@negotiated
@shows_refusals(to_deployment)
def cancel(request: Request, pk: int) -> HttpResponse:
    deployment = deployment_of(request, pk)
    services.cancel(deployment, request.user)
    return _changed(request, deployment)


@require_POST
@negotiated
@rate_limited("deployments")
@shows_refusals(to_deployment)
def publish(request: Request, pk: int) -> HttpResponse:
    deployment = deployment_of(request, pk)
    services.publish(deployment, request.user)
    if not wants_json(request):
        messages.success(request, f"{deployment.site.name} shows revision {deployment.revision.number} now.")
    return _changed(request, deployment)


def _changed(request: Request, deployment: Deployment) -> HttpResponse:
    if wants_json(request):
        return success(deployment=reports.deployment_json(deployment_of(request, deployment.pk)))
    return redirect(deployment)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
@rate_limited("host requests")
@shows_refusals(to_deployment)
def delete(request: Request, pk: int) -> HttpResponse:
    """Confirm, then delete a deployment, at the host too."""
    deployment = deployment_of(request, pk)
    if request.method == "POST":
        services.delete(deployment, request.user)
        if wants_json(request):
            return success()
        messages.success(request, f"Deployment {pk} is deleted.")
        return redirect("deployments:agent", pk=deployment.site.agent_id)
    context = {"deployment": deployment, "kind": KINDS[deployment.site.host]}
    return render(request, "deployments/deployment_delete.html", context)


@require_POST
@negotiated
@rate_limited("host requests")
@shows_refusals(to_site)
def site_refresh(request: Request, pk: int) -> HttpResponse:
    site = site_at(request, pk)
    polling.refresh_site(site)
    return _site_changed(request, site)


@require_POST
@negotiated
@rate_limited("host requests")
@shows_refusals(to_site)
def site_lock(request: Request, pk: int) -> HttpResponse:
    return _set_lock(request, pk, locked=True)


@require_POST
@negotiated
@rate_limited("host requests")
@shows_refusals(to_site)
def site_unlock(request: Request, pk: int) -> HttpResponse:
    return _set_lock(request, pk, locked=False)


def _set_lock(request: Request, pk: int, *, locked: bool) -> HttpResponse:
    site = site_at(request, pk)
    lifecycle.set_lock(site, request.user, locked=locked)
    return _site_changed(request, site)


def _site_changed(request: Request, site: Site) -> HttpResponse:
    site.refresh_from_db()
    if wants_json(request):
        return success(site=reports.site_json(site))
    return redirect("deployments:agent", pk=site.agent_id)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
@rate_limited("host requests")
@shows_refusals(to_site)
def site_delete(request: Request, pk: int) -> HttpResponse:
    """Confirm by the site's name, then delete the site at the host."""
    site = site_at(request, pk)
    form = DeleteSiteForm(posted(request), site=site)
    if form.is_valid():
        lifecycle.delete_site(site, request.user)
        if wants_json(request):
            return success()
        messages.success(request, f"The site {site.name} is deleted.")
        return redirect("deployments:agent", pk=site.agent_id)
    if form.is_bound and wants_json(request):
        return form_failure(form)
    context = {"site": site, "kind": KINDS[site.host], "form": form, "count": site.deployments.count()}
    return render(request, "deployments/site_delete.html", context, status=422 if form.is_bound else 200)
