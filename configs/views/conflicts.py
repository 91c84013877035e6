"""Show both sides of a save that met another one."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.problems import problem
from configs.conflicts import ELSEWHERE, YOU, Conflict, edition_of
from configs.forms import DraftForm
from configs.forms.conflicts import SAVED, YOURS, ChoiceForm
from configs.models import AgentConfig

_GUESSES = {YOU: YOURS, ELSEWHERE: SAVED}


def show_conflict(request: Request, agent: AgentConfig, form: DraftForm, conflict: Conflict) -> HttpResponse:
    """Answer 409 with both sides, field by field."""
    if wants_json(request):
        sides = {each.name: {"yours": each.yours, "saved": each.saved} for each in conflict.differences}
        detail = f"{conflict} Send it again with this edition to save your values over these."
        return problem(409, detail, conflicts=sides, edition=edition_of(conflict.saved))
    guesses = {each.name: _GUESSES.get(each.changed) for each in conflict.differences}
    return show_sides(request, agent, form, conflict, ChoiceForm(guesses=guesses), 409)


def show_sides(
    request: Request,
    agent: AgentConfig,
    form: DraftForm,
    conflict: Conflict,
    choice: ChoiceForm,
    status: int,
) -> HttpResponse:
    """Show the page on which each field's side is chosen, also where htmx asked for the form alone."""
    yours = form.values() if status == 409 else {name: form.data[name] for name in conflict.saved}
    rows: list[dict[str, Any]] = [
        {
            "name": f"choose_{each.name}",
            "chosen": choice.chosen(each.name),
            "errors": choice.errors.get(f"choose_{each.name}", []),
            "difference": each,
        }
        for each in conflict.differences
    ]
    context = {
        "agent": agent,
        "tab": form.tab,
        "tab_label": form.tab.label,
        "rows": rows,
        "conflict": conflict,
        "yours": json.dumps(yours),
        "saved": json.dumps(dict(conflict.saved)),
    }
    response = render(request, "configs/agent_conflict.html", context, status=status)
    for name, value in (("Retarget", "#main"), ("Reselect", "#main"), ("Reswap", "outerHTML")):
        response[f"HX-{name}"] = value
    return response
