"""Save, test and remove a person's keys, from the keys tab of one of their agents."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agentforge.accounts.limits import LimitReached, rate_limited
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from agentforge.requests import Request
from configs import vault
from configs.choices import KeyStatus, Tab
from configs.forms import KeysForm
from configs.forms.key import KeyForm
from configs.key_checks import retest, store_tested
from configs.models import AgentConfig, ApiKey
from configs.offers import local_outcome, offers_for
from configs.providers import PROVIDERS, Outcome, Provider
from configs.providers.local import LOCAL
from configs.views.forms import agent_of
from configs.views.key_rows import key_rows


@require_GET
@negotiated
def model_field(request: Request, pk: int) -> HttpResponse:
    """Show the field for the model as it is for another provider than the saved one."""
    agent = agent_of(request, pk)
    chosen = {"provider": request.GET.get("provider", "")}
    if chosen["provider"] != agent.provider:
        chosen["model"] = ""
    form = KeysForm(instance=agent, initial=chosen, offers=offers_for(agent.owner_id))
    if wants_json(request):
        return success(provider=form.chosen_provider, models=form.models)
    return render(request, "configs/_model_field.html", {"form": form, "agent": agent})


def _save_later(request: Request, refusal: LimitReached, /, pk: int, provider: str) -> HttpResponse:
    agent, form = agent_of(request, pk), KeyForm(posted(request), provider=_keyed(provider))
    form.add_error("key", str(refusal))
    return render(request, "configs/agent_keys.html", _context(agent, form))


@require_POST
@negotiated
@rate_limited("key tests", _save_later)
def key_save(request: Request, pk: int, provider: str) -> HttpResponse:
    agent, form = agent_of(request, pk), KeyForm(posted(request), provider=_keyed(provider))
    if form.is_valid():
        given = form.cleaned_data
        stored = store_tested(request.user, provider, given["key"], given.get("base_url", ""))
        if stored.key is not None:
            return _tested(request, agent, stored.outcome, "The key is saved.")
        form.add_refusal(stored.outcome)
    if wants_json(request):
        return form_failure(form)
    return render(request, "configs/agent_keys.html", _context(agent, form), status=422)


@require_POST
@negotiated
@rate_limited("key tests")
def key_test(request: Request, pk: int, provider: str) -> HttpResponse:
    agent = agent_of(request, pk)
    if provider == LOCAL.code:
        return _tested(request, agent, local_outcome(fresh=True))
    key: ApiKey = get_object_or_404(ApiKey.objects.owned_by(request.user), provider=_keyed(provider).code)
    try:
        return _tested(request, agent, retest(key))
    except vault.KeyNeedsReentry as problem:
        if wants_json(request):
            return failure({"key": [str(problem)]})
        messages.warning(request, str(problem))
        return redirect("configs:keys", pk=agent.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def key_remove(request: Request, pk: int, provider: str) -> HttpResponse:
    agent = agent_of(request, pk)
    key: ApiKey = get_object_or_404(ApiKey.objects.owned_by(request.user), provider=_keyed(provider).code)
    if request.method == "POST":
        vault.remove_key(key)
        if wants_json(request):
            return success()
        messages.success(request, f"The key for {PROVIDERS[provider].label} is removed.")
        return redirect("configs:keys", pk=agent.pk)
    users = AgentConfig.objects.owned_by(request.user).filter(provider=provider)
    context = {"agent": agent, "key": key, "provider": PROVIDERS[provider], "users": users}
    return render(request, "configs/key_remove.html", context)


def _tested(request: Request, agent: AgentConfig, outcome: Outcome, said: str = "") -> HttpResponse:
    if wants_json(request):
        return success(outcome=outcome.status, detail=outcome.detail, ms=outcome.ms)
    good = outcome.status == KeyStatus.VALID
    (messages.success if good else messages.warning)(request, f"{said} {outcome.detail}".strip())
    return redirect("configs:keys", pk=agent.pk)


def _keyed(code: str) -> Provider:
    provider = PROVIDERS.get(code)
    if provider is None or provider is LOCAL:
        raise Http404
    return provider


def _context(agent: AgentConfig, refused: KeyForm) -> dict[str, Any]:
    return {
        "agent": agent,
        "tab": Tab.KEYS,
        "form": KeysForm(instance=agent, offers=offers_for(agent.owner_id)),
        "key_rows": key_rows(agent, refused),
    }
