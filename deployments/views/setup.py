"""Show the wizard's tab Deploy, choose a site and its settings."""

from __future__ import annotations

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.models import Build
from configs.models import AgentConfig
from configs.views.forms import agent_of
from deployments import preflight, reports
from deployments.accounts import host_accounts
from deployments.accounts.forms import ConnectForm
from deployments.accounts.host_accounts import KINDS, NETLIFY, SELF_HOST
from deployments.forms import ChooseSiteForm, NewSiteForm, SettingsForm
from deployments.hosts.base import HostError, RemoteSite, Team
from deployments.models import Deployment, Site
from deployments.sites import lifecycle, polling

from .shared import to_agent, told

_HISTORY = 20
_NAMES: dict[type[BaseForm], str] = {
    ConnectForm: "connect_form",
    NewSiteForm: "new_site_form",
    SettingsForm: "settings_form",
}


@require_safe
@negotiated
def agent_deploy(request: Request, pk: int) -> HttpResponse:
    """Show what would be deployed, where, what stands in its way, and what was deployed before."""
    agent = agent_of(request, pk)
    if wants_json(request):
        site = lifecycle.site_of(agent)
        found = preflight.checks(
            agent, host_accounts.connection_of(agent.owner_id), site, _newest(agent, site)
        )
        return success(
            site=reports.site_json(site) if site else None,
            checks=[{"label": c.label, "state": c.state, "words": c.words} for c in found],
            ready=preflight.ready(found),
            deployments=reports.deployments_json(_history(site)),
        )
    return page(request, agent)


def _newest(agent: AgentConfig, site: Site | None) -> Build | None:
    return next(iter(preflight.deployable(agent, site)), None)


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
    """Render the tab, with a form that was refused in its place."""
    connection, site = host_accounts.connection_of(agent.owner_id), lifecycle.site_of(agent)
    builds = preflight.deployable(agent, site)
    found = preflight.checks(agent, connection, site, builds[0] if builds else None)
    context = {
        "agent": agent,
        "tab": "deploy",
        "connection": connection,
        "site": site,
        "kind": KINDS[site.host] if site else None,
        "builds": builds,
        "compiling": site and not builds and preflight.under_way(agent, KINDS[site.host]),
        "checks": found,
        "ready": preflight.ready(found),
        "history": _history(site),
        "live": polling.known_live(site) if site else None,
        "remote": remote,
        "own_sites": lifecycle.unused_own(agent),
        "connect_form": ConnectForm(),
        "new_site_form": _new_site_form(agent, NETLIFY),
        "own_site_form": _new_site_form(agent, SELF_HOST),
        "settings_form": _settings_form(site),
    }
    if form is not None:
        name = _NAMES.get(type(form), "form_refused")
        own = isinstance(form, NewSiteForm) and form.cleaned_data.get("host") == SELF_HOST
        context["own_site_form" if own else name] = form
    return render(request, "deployments/agent_deploy.html", context, status=status)


def _new_site_form(agent: AgentConfig, host: str) -> NewSiteForm:
    initial = {"name": lifecycle.unused_name(agent), "host": host}
    return NewSiteForm(initial=initial, teams=_teams(agent), auto_id=f"{host}_%s")


def _teams(agent: AgentConfig) -> tuple[Team, ...]:
    connection = host_accounts.connection_of(agent.owner_id)
    return tuple(Team(**team) for team in connection.teams) if connection else ()


def _settings_form(site: Site | None) -> SettingsForm | None:
    if site is None:
        return None
    names = ("access", "greeting", "offers_download")
    return SettingsForm(site=site, initial={name: getattr(site, name) for name in names})


def refused(request: Request, agent: AgentConfig, form: BaseForm) -> HttpResponse:
    """Answer a form that was refused: the tab with it, or what is wrong with it for scripts."""
    return form_failure(form) if wants_json(request) else page(request, agent, form=form, status=422)


@require_safe
@negotiated
@told(to_agent)
def remote_sites(request: Request, pk: int) -> HttpResponse:
    """List the account's sites at the host, to choose one."""
    agent = agent_of(request, pk)
    found = host_accounts.host_for(agent.owner_id, NETLIFY, "used to list the sites").sites()
    if wants_json(request):
        return success(sites=[{"id": each.id, "name": each.name, "url": each.url} for each in found])
    return page(request, agent, remote=found)


@require_POST
@negotiated
@rate_limited("deployments")
@told(to_agent)
def create_site(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = NewSiteForm(posted(request), teams=_teams(agent))
    if form.is_valid():
        given, before = form.cleaned_data, lifecycle.site_of(agent)
        try:
            site = lifecycle.create_site(
                agent, given["name"], given["team"], request.user, host=given["host"]
            )
        except HostError as error:
            form.add_error("name", str(error))
        else:
            return _site_kept(request, agent, site, before)
    return refused(request, agent, form)


@require_POST
@negotiated
@told(to_agent)
def choose_site(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = ChooseSiteForm(posted(request))
    if not form.is_valid():
        return refused(request, agent, form)
    given, before = form.cleaned_data, lifecycle.site_of(agent)
    site = lifecycle.choose_site(agent, given["site"], request.user, host=given["host"])
    return _site_kept(request, agent, site, before)


def _site_kept(request: Request, agent: AgentConfig, site: Site, before: Site | None) -> HttpResponse:
    if wants_json(request):
        return success(201, site=reports.site_json(site))
    told = f"{agent.name} is deployed to {site.name} from now on."
    if before is not None and before.pk != site.pk and before.live_remote_id:
        told += f" {before.name} stays online as it is: choose it again to change or delete it."
    messages.success(request, told)
    return redirect("deployments:agent", pk=agent.pk)


@require_POST
@negotiated
def settings(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    site = lifecycle.site_of(agent)
    form = SettingsForm(posted(request), site=site)
    if site is None:
        form.add_error(None, "Choose or create a site first.")
    elif form.is_valid():
        lifecycle.change(site, lifecycle.Settings(**form.cleaned_data), request.user)
        site.refresh_from_db()
        if wants_json(request):
            return success(site=reports.site_json(site))
        messages.success(request, "Saved. The next deployment brings it to the site.")
        return redirect("deployments:agent", pk=pk)
    return refused(request, agent, form)
