"""Start *Process configuration*: a worker validates the tabs, and the rail shows progress live."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from configs.choices import Tab
from configs.validation import start_run

from .forms import agent_of


@require_POST
@negotiated
def process_start(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    run = start_run(agent)
    if wants_json(request):
        return success(202, run=run.pk, status=run.status, channel=agent.stream_name)
    tab = request.POST.get("tab")
    return redirect(f"configs:{tab if tab in Tab else Tab.IDENTITY.value}", pk=agent.pk)
