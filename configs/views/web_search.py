"""Search the web with the settings of an agent, to test them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from configs.forms.web_search import WebSearchForm
from configs.keys import vault
from configs.keys.service_keys import headers_with, save_service_key
from configs.models import AgentConfig
from configs.tools.services import Service
from configs.tools.web_search import SearchFailed, SearchResult, search

from .forms import agent_of
from .tabs import show_capabilities


def _test_later(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = WebSearchForm(posted(request), agent=agent)
    form.add_error(None, str(refusal))
    return _refuse(request, agent, form)


@require_POST
@negotiated
@rate_limited("key tests", _test_later)
def web_search_test(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = WebSearchForm(posted(request), agent=agent)
    if not form.is_valid() or form.service is None:
        return _refuse(request, agent, form)
    try:
        results = _search(agent, form, form.service)
    except (SearchFailed, vault.KeyNeedsReentry) as error:
        form.add_error("query", str(error))
        return _refuse(request, agent, form)
    if wants_json(request):
        return success(results=[result.as_json() for result in results])
    return show_capabilities(request, agent, search_form=form, search_results=results, searched=True)


@require_POST
@negotiated
def web_search_forget(request: Request, pk: int) -> HttpResponse:
    """Remove the stored key of the service that an agent's saved settings name."""
    agent = agent_of(request, pk)
    form = WebSearchForm(agent=agent)
    if form.stored is not None:
        vault.remove_key(form.stored)
    if wants_json(request):
        return success()
    if form.stored is not None and form.service is not None:
        messages.success(request, f"The key for {form.service.url} is removed, from all your agents.")
    return redirect("configs:capabilities", pk=pk)


@performs(Act.TEST_KEY)
def _search(agent: AgentConfig, form: WebSearchForm, service: Service) -> list[SearchResult]:
    """Search with the key of a valid form, or the stored one; store a new key that works."""
    secret = form.cleaned_data["key"]
    if not secret and form.stored:
        secret = vault.reveal(form.stored, f"searched the web by {service.url}")
    headers = headers_with(service.auth, secret)
    results = search(form.settings, headers, form.cleaned_data["query"], secret=secret)
    if form.cleaned_data["key"]:
        save_service_key(agent.owner_id, service.url, secret)
    return results


def _refuse(request: Request, agent: AgentConfig, form: WebSearchForm) -> HttpResponse:
    if wants_json(request):
        return form_failure(form)
    return show_capabilities(request, agent, status=422, search_form=form)
