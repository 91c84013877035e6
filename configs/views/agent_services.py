"""Read the card of another agent, and show it to choose."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, posted, success, wants_json
from configs.forms.agent_services import AgentForm
from configs.keys import vault
from configs.keys.service_keys import headers_with, save_service_key, service_key
from configs.models import AgentConfig
from configs.tools.agent_card import CardRefused, offered_card, read_card
from configs.tools.services import AGENT, PARTS

from .forms import agent_of
from .services import choice_page, entry_of, refuse_service


def _test_later(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    form = AgentForm(posted(request))
    form.add_error(None, str(refusal))
    return refuse_service(request, agent_of(request, pk), form)


@require_POST
@negotiated
@rate_limited("key tests", _test_later)
def agent_test(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = AgentForm(posted(request))
    if not form.is_valid():
        return refuse_service(request, agent, form)
    try:
        card = _card(agent, form)
    except (CardRefused, vault.KeyNeedsReentry) as error:
        form.add_error("url", str(error))
        return refuse_service(request, agent, form)
    chosen = entry_of(agent, AGENT, form.cleaned_data["name"]).get(PARTS[AGENT], [])
    offered = offered_card(card, chosen)
    if wants_json(request):
        return success(card={**card, "state": offered.state, "reason": offered.reason})
    note = f"The agent answers in version {card['protocol']} of A2A, at {card['endpoint']}."
    return choice_page(request, agent, form, [offered], [], note)


@performs(Act.TEST_KEY)
def _card(agent: AgentConfig, form: AgentForm) -> dict[str, Any]:
    """Read an agent's card with the key of a valid form, or the stored one; store a new key that works."""
    name, url, secret = (form.cleaned_data[field] for field in ("name", "url", "key"))
    if form.sending and not secret and (stored := service_key(agent.owner_id, url)):
        secret = vault.reveal(stored, f"read the card at {url}")
    card = read_card(name, url, headers_with(form.sending, secret))
    if form.cleaned_data["key"]:
        save_service_key(agent.owner_id, url, secret)
    return card
