"""*Check everything*: a worker validates the tabs, and the rail shows progress live."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from configs.choices import Tab
from configs.forms import TAB_FORMS
from configs.models import AgentConfig
from configs.providers.offers import offers_for
from configs.validation import start_run

from .forms import agent_of, bound_form
from .tabs import save


@require_POST
@negotiated
@rate_limited("key tests")
def process_start(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if refusal := _save_open_tab(request, agent):
        return refusal
    run = start_run(agent)
    if wants_json(request):
        return success(202, run=run.pk, status=run.status, channel=agent.stream_name)
    tab = request.POST.get("tab")
    return redirect(f"configs:{tab if tab in Tab else Tab.IDENTITY.value}", pk=agent.pk)


def _save_open_tab(request: Request, agent: AgentConfig) -> HttpResponse | None:
    """Save the tab whose form came with the request, if any; return the page that shows a refusal."""
    form_class = TAB_FORMS.get(request.POST.get("tab", ""))
    if form_class is None or not request.POST.get("base"):
        return None
    response = save(request, agent, bound_form(request, form_class, agent, offers_for(agent.owner_id)))
    return response if response.status_code >= 400 else None
