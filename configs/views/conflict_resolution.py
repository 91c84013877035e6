"""Save a tab with the side that was chosen for each field of a conflict."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, wants_json
from configs.conflicts import Conflict, differences
from configs.forms import TAB_FORMS, DraftForm
from configs.forms.base import type_errors
from configs.forms.conflicts import SAVED, ChoiceForm, SidesForm
from configs.model_offers import offers_for
from configs.models import AgentConfig

from .conflicts import show_sides
from .forms import agent_of
from .tabs import save


@require_POST
@negotiated
def resolve(request: Request, pk: int, tab: str) -> HttpResponse:
    """Save a tab with the chosen side of each field."""
    agent = agent_of(request, pk)
    form_class = TAB_FORMS.get(tab)
    if form_class is None:
        raise Http404("There is no such tab.")
    data = posted(request)
    sides = SidesForm(data).sides(form_class.base_fields)
    if sides is None or any(type_errors(form_class, side) for side in sides):
        raise BadRequest("The two sides did not come back whole. Open the tab again.")
    form, conflict = _rebuilt(form_class, agent, *sides)
    choice = ChoiceForm(data, guesses={each.name: None for each in conflict.differences})
    if not choice.is_valid():
        if wants_json(request):
            return form_failure(choice)
        return show_sides(request, agent, form, conflict, choice, 422)
    chosen = {each.name: each.saved for each in conflict.differences if choice.chosen(each.name) == SAVED}
    joined, _ = _rebuilt(form_class, agent, {**sides[0], **chosen}, sides[1])
    return save(request, agent, joined)


def _rebuilt(
    form_class: type[DraftForm], agent: AgentConfig, yours: dict[str, Any], saved: dict[str, Any]
) -> tuple[DraftForm, Conflict]:
    offers = offers_for(agent.owner_id)
    form = form_class(yours, instance=copy(agent), offers=offers)
    form.began = saved
    return form, Conflict(differences(form, yours, saved), saved)
