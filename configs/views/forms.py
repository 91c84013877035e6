"""Bind requests to draft forms, and respond in the requested format."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render

from agentforge.http import Request
from agentforge.negotiation import form_failure, is_json, json_object, json_value, replace_errors, wants_json
from agentforge.prepared_queries import Parameter, PreparedQuery
from configs.agent_report import with_live_positions
from configs.conflicts import Basis
from configs.forms.base import DraftForm, Offers, draft_values, type_errors
from configs.models import AgentConfig

_agent: PreparedQuery[AgentConfig] = PreparedQuery(
    lambda: with_live_positions(AgentConfig.objects.owned_by(Parameter("owner")).filter(pk=Parameter("pk")))
)


def agent_of(request: Request, pk: int) -> AgentConfig:
    """Return the signed-in user's agent, with the position of its channel; 404 for any other."""
    agent = _agent.first(owner=request.user.pk, pk=pk)
    if agent is None:
        raise Http404
    return agent


def bound_form(
    request: Request, form_class: type[DraftForm], agent: AgentConfig, offers: Offers | None = None
) -> DraftForm:
    """Return the form bound to the request; its instance is a copy, so invalid values stay out of the page.

    Raises BadRequest for a body that is not a JSON object.
    """
    if not is_json(request):
        form = form_class(request.POST, instance=copy(agent), offers=offers)
        form.basis = Basis(values=_shown_values(request))
        return form
    data = json_object(request)
    edition = data.pop("edition", "") if agent.pk else ""
    form = form_class({**draft_values(form_class, agent), **data}, instance=copy(agent), offers=offers)
    form.basis = Basis(edition=str(edition))
    unknown = {name: "unknown field" for name in data if name not in form.fields}
    replace_errors(form, {**unknown, **type_errors(form_class, data)})
    return form


def _shown_values(request: Request) -> dict[str, Any] | None:
    if not request.POST.get("base"):
        return None
    try:
        values = json_value(request.POST["base"])
    except (ValueError, RecursionError) as error:
        raise BadRequest("The form's base values are damaged. Reload the page.") from error
    return values if isinstance(values, dict) else None


def refuse(
    request: Request, form: DraftForm, *, page: str, partial: str, context: dict[str, Any]
) -> HttpResponse:
    """Respond 422 with the errors: in JSON, as the partial for htmx, or as the whole page."""
    if wants_json(request):
        return form_failure(form)
    return show(request, page=page, partial=partial, context={**context, "form": form}, status=422)


def show(
    request: Request, *, page: str, partial: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, partial if request.htmx else page, context, status=status)
