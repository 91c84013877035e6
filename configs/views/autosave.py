"""Save a tab while its reader works on it: what they changed and what is valid, field by field."""

from __future__ import annotations

import json

from django.http import HttpResponse

from agentforge.http import Request
from agentforge.negotiation import success
from agentforge.problems import problem
from configs.conflicts import Conflict
from configs.forms import DraftForm
from configs.forms.identity import TAKEN
from configs.models import AgentConfig
from configs.services import HandleTaken, save_draft


def is_autosave(request: Request) -> bool:
    """Return whether a page, and not a person or a script, sends this form."""
    return "X-Autosave" in request.headers and bool(request.POST.get("base"))


def autosave(agent: AgentConfig, form: DraftForm) -> HttpResponse:
    """Save the changed valid fields; answer with their names, the errors of the others and the new `base`.

    Answers 409, and saves nothing, if one of them was saved elsewhere since the page was shown.
    """
    form.is_valid()
    values, saved = form.changed_values(), agent
    try:
        if values:
            saved = save_draft(agent, values, form.basis)
    except HandleTaken:
        form.add_error("handle", TAKEN)
        values = {}
    except Conflict as conflict:
        return problem(409, f"{conflict} Save the form to choose.", fields=conflict.fields)
    base = {**(form.basis.values or {}), **saved.values_of(values)}
    errors = {name: [str(text) for text in texts] for name, texts in form.errors.items()}
    return success(saved=list(values), errors=errors, base=json.dumps(base), at=saved.updated_at)
