"""Show a person all their keys, and test, replace and remove each."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.limits import LimitReached, rate_limited
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from agentforge.requests import Request
from configs import vault
from configs.choices import KeyStatus
from configs.forms.key import KeyForm
from configs.key_checks import retest, store_tested
from configs.keyring import keyring_of
from configs.models import AgentConfig, ApiKey
from configs.providers import PROVIDERS, Outcome
from configs.views.key_rows import replacement_form, stored_rows


@require_safe
@negotiated
def key_list(request: Request) -> HttpResponse:
    rows = stored_rows(request.user)
    if wants_json(request):
        return success(keys=[row.as_json() for row in rows])
    return render(request, "configs/key_list.html", {"rows": rows})


def _replace_later(request: Request, refusal: LimitReached, /, pk: int) -> HttpResponse:
    key = _key_of(request, pk)
    form = replacement_form(key, PROVIDERS[key.provider], posted(request))
    form.add_error("key", str(refusal))
    return _refused(request, key, form)


@require_POST
@negotiated
@rate_limited("key tests", _replace_later)
def key_replace(request: Request, pk: int) -> HttpResponse:
    key = _key_of(request, pk)
    form = replacement_form(key, PROVIDERS[key.provider], posted(request))
    if form.is_valid():
        given = form.cleaned_data
        stored = store_tested(request.user, key.provider, given["key"], given.get("base_url", ""))
        if stored.key is not None:
            return _tested(request, stored.outcome, "The key is replaced.")
        form.add_refusal(stored.outcome)
    return _refused(request, key, form)


@require_POST
@negotiated
@rate_limited("key tests")
def key_test(request: Request, pk: int) -> HttpResponse:
    try:
        return _tested(request, retest(_key_of(request, pk)))
    except vault.KeyNeedsReentry:
        told = "The vault can't read this key any more. Replace it."
        if wants_json(request):
            return failure({"key": [told]})
        messages.warning(request, told)
        return redirect("configs:key_list")


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def key_remove(request: Request, pk: int) -> HttpResponse:
    """Ask whether a key should go, naming the agents that use it, and remove it."""
    key = _key_of(request, pk)
    if request.method == "POST":
        vault.remove_key(key)
        if wants_json(request):
            return success()
        messages.success(request, f"The key for {PROVIDERS[key.provider].label} is removed.")
        return redirect("configs:key_list")
    agents = AgentConfig.objects.owned_by(request.user).order_by("name", "pk")
    users = keyring_of(request.user.pk).users(agents)[key.pk]
    context = {"key": key, "provider": PROVIDERS[key.provider], "users": users}
    return render(request, "configs/key_remove.html", context)


def _key_of(request: Request, pk: int) -> ApiKey:
    key: ApiKey = get_object_or_404(ApiKey.objects.owned_by(request.user), pk=pk)
    if key.provider not in PROVIDERS:
        raise Http404
    return key


def _tested(request: Request, outcome: Outcome, said: str = "") -> HttpResponse:
    if wants_json(request):
        return success(outcome=outcome.status, detail=outcome.detail, ms=outcome.ms)
    good = outcome.status == KeyStatus.VALID
    (messages.success if good else messages.warning)(request, f"{said} {outcome.detail}".strip())
    return redirect("configs:key_list")


def _refused(request: Request, key: ApiKey, form: KeyForm) -> HttpResponse:
    if wants_json(request):
        return form_failure(form)
    rows = stored_rows(request.user, refused=(key, form))
    return render(request, "configs/key_list.html", {"rows": rows}, status=422)
