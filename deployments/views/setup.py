"""The wizard's tab Deploy: the site and its settings."""

from __future__ import annotations

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.expectation import usual_durations
from configs.models import AgentConfig
from configs.views.forms import agent_of
from deployments import planning, preflight, reports
from deployments.accounts import host_accounts
from deployments.accounts.forms import ConnectForm
from deployments.forms import ChooseSiteForm, NewSiteForm, PlanForm, SettingsForm
from deployments.hosts.base import HostError, RemoteSite, Team
from deployments.hosts.registry import KINDS, NETLIFY, SELF_HOST
from deployments.models import Deployment, Site
from deployments.sites import lifecycle, polling

from .shared import shows_refusals, to_agent

_HISTORY = 20
_CONTEXT_NAMES: dict[type[BaseForm], str] = {
    ConnectForm: "connect_form",
    NewSiteForm: "new_site_form",
    SettingsForm: "settings_form",
    PlanForm: "plan_form",
}


@require_safe
@negotiated
def agent_deploy(request: Request, pk: int) -> HttpResponse:
    """Show the build to deploy, the site, the checks, and the history."""
    agent = agent_of(request, pk)
    if wants_json(request):
        site = lifecycle.site_of(agent)
        connection = host_accounts.connection_of(agent.owner_id)
        newest = next(iter(preflight.deployable(agent, site)), None)
        checks = preflight.checks(agent, connection, site, newest)
        planned = planning.planned_build(site) if site else None
        return success(
            site=reports.site_json(site) if site else None,
            checks=[{"label": c.label, "state": c.state, "words": c.words} for c in checks],
            ready=preflight.is_ready(checks),
            planned_build=planned.pk if planned else None,
            deployments=reports.deployments_json(_history(site)),
        )
    return page(request, agent)


def _history(site: Site | None) -> list[Deployment]:
    if site is None:
        return []
    return list(site.deployments.select_related("revision", "site", "build")[:_HISTORY])


def page(
    request: Request,
    agent: AgentConfig,
    *,
    form: BaseForm | None = None,
    remote: list[RemoteSite] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the tab; an invalid `form` replaces the empty one."""
    connection, site = host_accounts.connection_of(agent.owner_id), lifecycle.site_of(agent)
    builds = preflight.deployable(agent, site)
    checks = preflight.checks(agent, connection, site, builds[0] if builds else None)
    context = {
        "agent": agent,
        "tab": "deploy",
        "connection": connection,
        "site": site,
        "kind": KINDS[site.host] if site else None,
        "builds": builds,
        "compiling": site and preflight.unfinished_build(agent, KINDS[site.host]),
        "planned": planning.planned_build(site) if site else None,
        "plan_form": _plan_form(site),
        "checks": checks,
        "ready": preflight.is_ready(checks),
        "history": _history(site),
        "live": polling.live_deployment(site) if site else None,
        "remote": remote,
        "own_sites": lifecycle.unused_self_hosted(agent),
        "connect_form": ConnectForm(),
        "new_site_form": _new_site_form(agent, NETLIFY),
        "own_site_form": _new_site_form(agent, SELF_HOST),
        "access_chosen": site is None or preflight.is_access_chosen(site),
        "settings_form": _settings_form(site),
    }
    if form is not None:
        name = _CONTEXT_NAMES.get(type(form), "form_refused")
        own = isinstance(form, NewSiteForm) and form.cleaned_data.get("host") == SELF_HOST
        context["own_site_form" if own else name] = form
    return render(request, "deployments/agent_deploy.html", context, status=status)


def _new_site_form(agent: AgentConfig, host: str) -> NewSiteForm:
    initial = {"name": lifecycle.unused_name(agent), "host": host}
    return NewSiteForm(initial=initial, teams=_teams(agent), auto_id=f"{host}_%s")


def _teams(agent: AgentConfig) -> tuple[Team, ...]:
    connection = host_accounts.connection_of(agent.owner_id)
    return tuple(Team(**team) for team in connection.teams) if connection else ()


def _plan_form(site: Site | None) -> PlanForm | None:
    if site is None:
        return None
    kind = KINDS[site.host]
    usual = usual_durations(site.agent_id)
    return PlanForm(kind=kind, usual=usual, initial={"targets": [kind.targets[0]]}, auto_id="plan_%s")


def _settings_form(site: Site | None) -> SettingsForm | None:
    if site is None:
        return None
    names = ("access", "greeting", "offers_download", "own_address")
    return SettingsForm(site=site, initial={name: getattr(site, name) for name in names})


def invalid_form(request: Request, agent: AgentConfig, form: BaseForm) -> HttpResponse:
    """Respond to an invalid form: the tab with its errors, or the errors alone for scripts."""
    return form_failure(form) if wants_json(request) else page(request, agent, form=form, status=422)


@require_safe
@negotiated
@rate_limited("host requests", method="GET")
@shows_refusals(to_agent)
def remote_sites(request: Request, pk: int) -> HttpResponse:
    """List the account's sites at the host to choose from."""
    agent = agent_of(request, pk)
    sites = host_accounts.host_for(agent.owner_id, NETLIFY, "used to list the sites").sites()
    if wants_json(request):
        return success(sites=[{"id": each.id, "name": each.name, "url": each.url} for each in sites])
    return page(request, agent, remote=sites)


@require_POST
@negotiated
@rate_limited("deployments")
@shows_refusals(to_agent)
def create_site(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = NewSiteForm(posted(request), teams=_teams(agent))
    if form.is_valid():
        data, before = form.cleaned_data, lifecycle.site_of(agent)
        try:
            site = lifecycle.create_site(agent, data["name"], data["team"], request.user, host=data["host"])
        except HostError as error:
            form.add_error("name", str(error))
        else:
            return _site_chosen(request, agent, site, before)
    return invalid_form(request, agent, form)


@require_POST
@negotiated
@rate_limited("host requests")
@shows_refusals(to_agent)
def choose_site(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = ChooseSiteForm(posted(request))
    if not form.is_valid():
        return invalid_form(request, agent, form)
    data, before = form.cleaned_data, lifecycle.site_of(agent)
    site = lifecycle.choose_site(agent, data["site"], request.user, host=data["host"])
    return _site_chosen(request, agent, site, before)


def _site_chosen(request: Request, agent: AgentConfig, site: Site, before: Site | None) -> HttpResponse:
    if wants_json(request):
        return success(201, site=reports.site_json(site))
    message = f"{agent.name} will be deployed to {site.name}. Nothing has been deployed by choosing it."
    if before is not None and before.pk != site.pk and before.live_remote_id:
        message += f" {before.name} stays online: choose it again to change or delete it."
    messages.success(request, message)
    return redirect("deployments:agent", pk=agent.pk)


@require_POST
@negotiated
@rate_limited("host requests")
def settings(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    site = lifecycle.site_of(agent)
    form = SettingsForm(posted(request), site=site)
    if site is None:
        form.add_error(None, "Choose or create a site first.")
    elif form.is_valid():
        lifecycle.change(site, lifecycle.Settings(**form.cleaned_data), request.user)
        site.refresh_from_db()
        if site.own_address:
            polling.refresh_site(site)
        if wants_json(request):
            return success(site=reports.site_json(site))
        messages.success(request, "Saved. Who may talk to it applies from the next deployment.")
        return redirect("deployments:agent", pk=pk)
    return invalid_form(request, agent, form)
