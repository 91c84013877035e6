"""Show the tools of a program to choose from, as its owner pasted them: the forge runs no program."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from configs.forms.local_services import LocalForm
from configs.tools.offers import gone_tools, offered_tools
from configs.tools.services import LOCAL, PARTS

from .forms import agent_of
from .services import choice_page, entry_of, refuse_service


@require_POST
@negotiated
def local_test(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = LocalForm(posted(request))
    if not form.is_valid():
        return refuse_service(request, agent, form)
    try:
        listed = form.tools
    except ValidationError as error:
        form.add_error("listing", error)
        return refuse_service(request, agent, form)
    name = form.cleaned_data["name"]
    chosen = entry_of(agent, LOCAL, name).get(PARTS[LOCAL], [])
    offered, gone = offered_tools(name, listed, chosen, LOCAL), gone_tools(listed, chosen)
    if wants_json(request):
        return success(tools=[tool.as_json() for tool in offered], gone=gone)
    return choice_page(request, agent, form, offered, gone, "As you pasted them.")
