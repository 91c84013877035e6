"""Actions on keys shared by an agent's keys tab and the list of all keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from agentforge.accounts.models import User
from agentforge.http import Request
from agentforge.negotiation import posted, success, wants_json
from configs.choices import KeyStatus
from configs.forms.stored_key import KeyForm, NewKeyForm
from configs.keys import vault
from configs.keys.keyring import keyring_of
from configs.keys.verification import SavedKey, test_and_save
from configs.models import AgentConfig, ApiKey
from configs.providers import PROVIDERS, Outcome, Provider


def keyed_provider(code: str) -> Provider:
    """Return a provider that takes keys; 404 for any other."""
    provider = PROVIDERS.get(code)
    if provider is None or provider.is_local or provider.keys_of:
        raise Http404
    return provider


def new_key_form(request: Request, provider: Provider) -> NewKeyForm:
    """Return the form to add a key, bound if the request is a POST."""
    taken = keyring_of(request.user.pk).names(provider.code)
    return NewKeyForm(posted(request), provider=provider, taken=taken)


def save_from_form(user: User, form: KeyForm, name: str = "") -> SavedKey:
    """Test and save the key of a valid form, under `name` or the form's own name."""
    data = form.cleaned_data
    return test_and_save(
        user, form.provider.code, data["key"], data.get("base_url", ""), name or form.key_name
    )


def key_test_json(stored: SavedKey) -> dict[str, Any]:
    """Return the result of a key test for scripts."""
    outcome, key = stored.outcome, stored.key
    return {
        "id": key.pk if key else None,
        "outcome": outcome.status,
        "detail": outcome.detail,
        "ms": outcome.ms,
    }


def add_outcome_message(request: Request, outcome: Outcome, message: str) -> None:
    """Add a message on the outcome of a test for the next page."""
    is_valid = outcome.status == KeyStatus.VALID
    (messages.success if is_valid else messages.warning)(request, f"{message} {outcome.detail}".strip())


def confirm_removal(request: Request, key: ApiKey, agent: AgentConfig | None = None) -> HttpResponse:
    """Confirm the removal of a key, with the agents that use it and their next key; POST removes it."""
    label = PROVIDERS[key.provider].label
    if request.method == "POST":
        vault.remove_key(key)
        if wants_json(request):
            return success()
        messages.success(request, f"The key {key.name} for {label} is removed.")
        return redirect("configs:keys", pk=agent.pk) if agent else redirect("configs:key_list")
    ring = keyring_of(request.user.pk)
    users = ring.users(AgentConfig.objects.owned_by(request.user).order_by("name", "pk"))[key.pk]
    then = ring.key_without(key, users[0]) if users else None
    context = {"agent": agent, "key": key, "provider": PROVIDERS[key.provider], "users": users, "then": then}
    return render(request, "configs/key_remove.html", context)
