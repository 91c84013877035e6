"""Connect, test and disconnect the account that sites are deployed with."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.accounts.limits import rate_limited
from agentforge.negotiation import negotiated, posted, success, wants_json
from agentforge.requests import Request
from configs.views.forms import agent_of
from deployments import accounts
from deployments.forms import ConnectForm
from deployments.hosts import HostError

from .setup import refused
from .shared import to_agent, told


@require_POST
@negotiated
@rate_limited("key tests")
def connect(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = ConnectForm(posted(request))
    if form.is_valid():
        try:
            connection = accounts.connect(request.user, form.cleaned_data["token"])
        except HostError as error:
            form.add_error("token", f"{error} It was not saved.")
        else:
            if wants_json(request):
                return success(who=connection.who, email=connection.email, teams=connection.teams)
            messages.success(request, f"Connected as {connection.who or connection.email}.")
            return redirect("deployments:agent", pk=agent.pk)
    return refused(request, agent, form)


@require_POST
@negotiated
@rate_limited("key tests")
@told(to_agent)
def recheck(request: Request, pk: int) -> HttpResponse:
    connection = accounts.connection_of(agent_of(request, pk).owner_id)
    if connection is None:
        raise accounts.AccountProblem("No Netlify account is connected.")
    person = accounts.recheck(connection)
    teams = [vars(team) for team in person.teams]
    if wants_json(request):
        return success(who=person.name, email=person.email, teams=teams)
    messages.success(request, f"Netlify knows this token: {person.name or person.email}.")
    return redirect("deployments:agent", pk=pk)


@require_POST
@negotiated
def disconnect(request: Request, pk: int) -> HttpResponse:
    connection = accounts.connection_of(agent_of(request, pk).owner_id)
    if connection is not None:
        accounts.disconnect(connection)
    if wants_json(request):
        return success()
    messages.success(request, "The account is disconnected. Its sites stay as they are.")
    return redirect("deployments:agent", pk=pk)
