"""Connect, test and disconnect the account that sites are deployed with."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from configs.models import AgentConfig
from configs.views.forms import agent_of
from deployments.accounts import host_accounts, oauth
from deployments.accounts.forms import ConnectForm
from deployments.errors import NotPossible
from deployments.hosts.base import HostError
from deployments.models import UNFINISHED, Connection, Deployment, Site

from .setup import invalid_form
from .shared import shows_refusals, to_agent


@require_POST
@negotiated
@rate_limited("key tests")
def connect(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = ConnectForm(posted(request))
    if form.is_valid():
        try:
            connection = host_accounts.connect(request.user, form.cleaned_data["token"])
        except HostError as error:
            form.add_error("token", f"{error} It was not saved.")
        else:
            if wants_json(request):
                return success(who=connection.who, email=connection.email, teams=connection.teams)
            _announce(request, connection)
            return redirect("deployments:agent", pk=agent.pk)
    return invalid_form(request, agent, form)


def _announce(request: Request, connection: Connection) -> None:
    teams = ", ".join(team["name"] for team in connection.teams)
    message = f"Connected as {connection.who or connection.email}."
    messages.success(request, f"{message} Teams: {teams}." if teams else message)


@never_cache
@require_POST
@rate_limited("key tests")
@shows_refusals(to_agent)
def authorize(request: Request, pk: int) -> HttpResponse:
    """Start to connect an account through OAuth: return a page that continues at Netlify.

    Not a redirect: the content security policy limits forms to this site, including their redirects.
    """
    agent = agent_of(request, pk)
    back = request.build_absolute_uri(reverse("deployments:authorized"))
    url = oauth.begin(request.session, agent, back)
    response = render(request, "deployments/account_authorize.html", {"agent": agent, "url": url})
    response["Refresh"] = f"0; url={url}"
    return response


@never_cache
@require_safe
def authorized(request: Request) -> HttpResponse:
    """Handle the return from Netlify's page, and connect the account.

    OAuth requires a GET that writes; the state in the session protects it and allows it only once.
    """
    last = oauth.last_consent(request.session, request.user)
    try:
        consent = oauth.redeem(request.session, request.user, request.GET.get("state", ""))
        connection = host_accounts.connect(request.user, oauth.token_for(consent, request.GET.dict()))
    except (NotPossible, HostError) as refusal:
        messages.warning(request, str(refusal))
    else:
        _announce(request, connection)
    own = AgentConfig.objects.owned_by(request.user)
    if last is not None and own.filter(pk=last.agent).exists():
        return redirect("deployments:agent", pk=last.agent)
    return redirect("deployments:list")


@require_POST
@negotiated
@rate_limited("key tests")
@shows_refusals(to_agent)
def recheck(request: Request, pk: int) -> HttpResponse:
    connection = host_accounts.connection_of(agent_of(request, pk).owner_id)
    if connection is None:
        raise host_accounts.AccountProblem("No Netlify account is connected.")
    person = host_accounts.recheck(connection)
    teams = [vars(team) for team in person.teams]
    if wants_json(request):
        return success(who=person.name, email=person.email, teams=teams)
    messages.success(request, f"Netlify accepts this token: {person.name or person.email}.")
    return redirect("deployments:agent", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def disconnect(request: Request, pk: int) -> HttpResponse:
    """Confirm, listing the sites that need the account, then delete its token."""
    agent = agent_of(request, pk)
    connection = host_accounts.connection_of(agent.owner_id)
    if request.method == "POST":
        if connection is not None:
            host_accounts.disconnect(connection)
        if wants_json(request):
            return success()
        messages.success(request, "The account is disconnected. Its sites are unchanged.")
    elif connection is not None:
        return render(request, "deployments/account_disconnect.html", _confirmation(agent, connection))
    else:
        messages.info(request, "No account is connected.")
    return redirect("deployments:agent", pk=pk)


def _confirmation(agent: AgentConfig, connection: Connection) -> dict[str, object]:
    sites = Site.objects.filter(owner_id=connection.owner_id, host=connection.host, deleted_at=None)
    unfinished = Deployment.objects.filter(site__in=sites, status__in=UNFINISHED)
    return {
        "agent": agent,
        "connection": connection,
        "sites": sites.select_related("agent").order_by("agent__name", "pk"),
        "going_on": unfinished.count(),
    }
