"""Show both sides of a conflict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.problems import problem
from configs.conflicts import Conflict, Values, comparable, edition_of
from configs.forms import DraftForm
from configs.forms.conflicts import SAVED, YOURS, ChoiceForm
from configs.forms.words import words_of
from configs.models import AgentConfig

BOTH, YOU, ELSEWHERE = "both", "you", "elsewhere"
_PRESELECTED = {YOU: YOURS, ELSEWHERE: SAVED}


@dataclass(frozen=True)
class Difference:
    """Both sides of one field in words; `changed` is who changed it ("" if unknown)."""

    label: str
    yours_words: str
    saved_words: str
    changed: str = ""


def show_conflict(request: Request, agent: AgentConfig, form: DraftForm, conflict: Conflict) -> HttpResponse:
    """Answer 409 with both sides, field by field."""
    yours, saved = conflict.yours, conflict.saved
    if wants_json(request):
        sides = {name: {"yours": yours[name], "saved": saved[name]} for name in conflict.fields}
        detail = f"{conflict} Send it again with this edition to save your values over these."
        return problem(409, detail, conflicts=sides, edition=edition_of(saved))
    changed = {name: _changed_by(form.basis.values, name, conflict) for name in conflict.fields}
    choice = ChoiceForm(guesses={name: _PRESELECTED.get(who) for name, who in changed.items()})
    return show_sides(request, agent, form, conflict, choice, 409)


def show_sides(
    request: Request,
    agent: AgentConfig,
    form: DraftForm,
    conflict: Conflict,
    choice: ChoiceForm,
    status: int,
) -> HttpResponse:
    """Render the page to choose a side for each field, as a whole page for htmx too."""
    rows: list[dict[str, Any]] = [
        {
            "name": f"choose_{name}",
            "chosen": choice.chosen(name),
            "errors": choice.errors.get(f"choose_{name}", []),
            "difference": Difference(
                label=str(form[name].label),
                yours_words=words_of(form.fields[name], conflict.yours[name]),
                saved_words=words_of(form.fields[name], conflict.saved[name]),
                changed=_changed_by(form.basis.values, name, conflict),
            ),
        }
        for name in conflict.fields
    ]
    context = {
        "agent": agent,
        "tab": form.tab,
        "tab_label": form.tab.label,
        "rows": rows,
        "conflict": conflict,
        "yours": json.dumps(dict(conflict.yours)),
        "saved": json.dumps(dict(conflict.saved)),
    }
    response = render(request, "configs/agent_conflict.html", context, status=status)
    for name, value in (("Retarget", "#main"), ("Reselect", "#main"), ("Reswap", "outerHTML")):
        response[f"HX-{name}"] = value
    return response


def _changed_by(original: Values | None, name: str, conflict: Conflict) -> str:
    if original is None or name not in original:
        return ""
    before = comparable(original[name])
    if before == comparable(conflict.saved[name]):
        return YOU
    return ELSEWHERE if before == comparable(conflict.yours[name]) else BOTH
