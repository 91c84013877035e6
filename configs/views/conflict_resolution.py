"""Resolve a conflict: save a tab with the side chosen for each field."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from agentforge.http import Request
from agentforge.negotiation import WHOLE_BODY, failure, form_failure, negotiated, posted, wants_json
from configs.conflicts import Basis, Conflict
from configs.forms import TAB_FORMS, DraftForm
from configs.forms.base import type_errors
from configs.forms.conflicts import SAVED, ChoiceForm, SidesForm
from configs.models import AgentConfig
from configs.providers.offers import offers_for

from .conflicts import show_sides
from .forms import agent_of
from .tabs import save


@require_POST
@negotiated
def resolve(request: Request, pk: int, tab: str) -> HttpResponse:
    agent = agent_of(request, pk)
    form_class = TAB_FORMS.get(tab)
    if form_class is None:
        raise Http404("There is no such tab.")
    data = posted(request)
    sides = SidesForm(data).sides(form_class.base_fields)
    if sides is None or any(type_errors(form_class, side) for side in sides):
        incomplete = "The submitted versions are incomplete. Open the tab again."
        if wants_json(request):
            return failure({WHOLE_BODY: [incomplete]})
        raise BadRequest(incomplete)
    yours, saved = sides
    conflict = Conflict(yours, saved)
    choice = ChoiceForm(data, guesses=dict.fromkeys(conflict.fields))
    if not choice.is_valid():
        if wants_json(request):
            return form_failure(choice)
        return show_sides(request, agent, _form(form_class, agent, yours, saved), conflict, choice, 422)
    chosen = {name: saved[name] for name in conflict.fields if choice.chosen(name) == SAVED}
    return save(request, agent, _form(form_class, agent, {**yours, **chosen}, saved))


def _form(
    form_class: type[DraftForm], agent: AgentConfig, values: dict[str, Any], saved: dict[str, Any]
) -> DraftForm:
    form = form_class(values, instance=copy(agent), offers=offers_for(agent.owner_id))
    form.basis = Basis(values=saved)
    return form
