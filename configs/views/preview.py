"""Preview the system prompt with the form's current values; nothing is saved."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from agentforge.http import Request
from agentforge.negotiation import failure, negotiated, posted, success, wants_json
from configs.forms import TAB_FORMS
from configs.prompt.assembly import system_prompt

from .forms import agent_of, bound_form


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def preview(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    # A body that can't be read is refused, also where no tab says what to do with it.
    posted(request)
    tab = request.GET.get("tab", "")
    form_class = TAB_FORMS.get(tab)
    if tab and form_class is None and wants_json(request):
        return failure({"tab": ["There is no such tab."]})
    if request.method == "POST" and form_class is not None:
        form = bound_form(request, form_class, agent)
        form.is_valid()
        # A model form assigns only the valid values to its instance.
        agent = form.instance
    if wants_json(request):
        prompt = system_prompt(agent)
        parts = [{"source": part.source, "tab": part.tab, "text": part.text} for part in prompt.parts]
        return success(text=prompt.text, tokens=prompt.tokens, parts=parts)
    return render(request, "configs/_preview.html", {"agent": agent})
