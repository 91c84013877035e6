"""The keys tab of an agent: save, test and remove keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from agentforge.pagination import refusal_of
from configs.choices import Tab
from configs.forms import KeysForm
from configs.forms.keys_tab import OffersForm
from configs.forms.stored_key import KeyForm
from configs.keys import vault
from configs.keys.keyring import keyring_of
from configs.keys.verification import SavedKey, retest
from configs.models import DEFAULT_KEY_NAME, AgentConfig, ApiKey
from configs.providers import PROVIDERS
from configs.providers.offers import local_outcome, offers_for

from .forms import agent_of
from .key_actions import (
    add_outcome_message,
    confirm_removal,
    key_test_json,
    keyed_provider,
    new_key_form,
    save_from_form,
)
from .key_rows import key_rows


@require_safe
@negotiated
def model_field(request: Request, pk: int) -> HttpResponse:
    """Show the fields for the key and the models for other providers or another key than the saved ones."""
    agent = agent_of(request, pk)
    offers = offers_for(agent.owner_id)
    if (refusal := refusal_of(OffersForm(request.GET), request)) is not None:
        return refusal
    chosen = {name: request.GET.get(name, "") for name in ("provider", "api_key")}
    chosen["fallback_provider"] = request.GET.get("fallback_provider", agent.fallback_provider)
    for provider, model in (("provider", "model"), ("fallback_provider", "fallback_model")):
        if chosen[provider] != getattr(agent, provider):
            chosen[model] = ""
    form = KeysForm(instance=agent, initial=chosen, offers=offers)
    if wants_json(request):
        keys = [{"id": key.pk, "name": key.name} for key in form.keys]
        return success(
            provider=form.chosen_provider,
            keys=keys,
            models=form.models,
            fallback_provider=form.chosen_fallback,
            fallback_models=form.fallback_models,
        )
    return render(request, "configs/_model_field.html", {"form": form, "agent": agent})


def _save_later(request: Request, refusal: LimitReached, /, pk: int, provider: str) -> HttpResponse:
    agent, form = agent_of(request, pk), KeyForm(posted(request), provider=keyed_provider(provider))
    form.add_error("key", str(refusal))
    return render(request, "configs/agent_keys.html", _context(agent, form))


def _add_later(request: Request, refusal: LimitReached, /, pk: int, provider: str) -> HttpResponse:
    agent, form = agent_of(request, pk), new_key_form(request, keyed_provider(provider))
    form.add_error("key", str(refusal))
    return render(request, "configs/agent_keys.html", _context(agent, form))


@require_POST
@negotiated
@rate_limited("key tests", _save_later)
def key_save(request: Request, pk: int, provider: str) -> HttpResponse:
    """Save the first key of a provider, or replace the one that the agent uses."""
    agent, form = agent_of(request, pk), KeyForm(posted(request), provider=keyed_provider(provider))
    key = vault.key_of(agent, provider)
    return _store(request, agent, form, key.name if key else DEFAULT_KEY_NAME)


@require_POST
@negotiated
@rate_limited("key tests", _add_later)
def key_add(request: Request, pk: int, provider: str) -> HttpResponse:
    """Add a further key of a provider, under a name."""
    agent, form = agent_of(request, pk), new_key_form(request, keyed_provider(provider))
    return _store(request, agent, form)


def _store(request: Request, agent: AgentConfig, form: KeyForm, name: str = "") -> HttpResponse:
    if form.is_valid():
        stored = save_from_form(request.user, form, name)
        if stored.key is not None:
            added = f"The key {form.key_name} is saved: an agent uses it once you choose it."
            return _tested(request, agent, stored, "The key is saved." if name else added)
        form.add_refusal(stored.outcome)
    if wants_json(request):
        return form_failure(form)
    return render(request, "configs/agent_keys.html", _context(agent, form), status=422)


@require_POST
@negotiated
@rate_limited("key tests")
def key_test(request: Request, pk: int, provider: str) -> HttpResponse:
    agent = agent_of(request, pk)
    if (known := PROVIDERS.get(provider)) and known.is_local:
        return _tested(request, agent, SavedKey(local_outcome(known, fresh=True), None))
    key = _key_in_use(agent, provider)
    try:
        return _tested(request, agent, SavedKey(retest(key), key))
    except vault.KeyNeedsReentry as problem:
        if wants_json(request):
            return failure({"key": [str(problem)]})
        messages.warning(request, str(problem))
        return redirect("configs:keys", pk=agent.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def key_remove(request: Request, pk: int, provider: str) -> HttpResponse:
    agent = agent_of(request, pk)
    return confirm_removal(request, _key_in_use(agent, provider), agent)


def _key_in_use(agent: AgentConfig, provider: str) -> ApiKey:
    key = vault.key_of(agent, keyed_provider(provider).code)
    if key is None:
        raise Http404
    return key


def _tested(request: Request, agent: AgentConfig, stored: SavedKey, message: str = "") -> HttpResponse:
    if wants_json(request):
        return success(**key_test_json(stored))
    add_outcome_message(request, stored.outcome, message)
    return redirect("configs:keys", pk=agent.pk)


def _context(agent: AgentConfig, refused: KeyForm) -> dict[str, Any]:
    return {
        "agent": agent,
        "tab": Tab.KEYS,
        "form": KeysForm(instance=agent, offers=offers_for(agent.owner_id)),
        "key_rows": key_rows(agent, keyring_of(agent.owner_id), refused),
    }
