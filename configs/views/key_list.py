"""The list of a user's keys: add, test, replace, rename and remove them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import LimitReached, rate_limited
from agentforge.http import Request
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from configs.forms.stored_key import TAKEN, KeyForm, NewKeyForm, RenameForm
from configs.keys import vault
from configs.keys.keyring import keyring_of
from configs.keys.verification import SavedKey, retest
from configs.models import ApiKey
from configs.providers import PROVIDERS

from .key_actions import (
    add_outcome_message,
    confirm_removal,
    key_test_json,
    keyed_provider,
    new_key_form,
    save_from_form,
)
from .key_rows import new_key_forms, replacement_form, stored_rows


@require_safe
@negotiated
def key_list(request: Request) -> HttpResponse:
    if wants_json(request):
        return success(keys=[row.as_json() for row in stored_rows(request.user)])
    return _page(request)


def _add_later(request: Request, refusal: LimitReached, /, provider: str) -> HttpResponse:
    form = new_key_form(request, keyed_provider(provider))
    form.add_error("key", str(refusal))
    return _refused_new(request, form)


@require_POST
@negotiated
@rate_limited("key tests", _add_later)
def key_add(request: Request, provider: str) -> HttpResponse:
    form = new_key_form(request, keyed_provider(provider))
    if form.is_valid():
        stored = save_from_form(request.user, form)
        if stored.key is not None:
            return _tested(request, stored, "The key is saved.")
        form.add_refusal(stored.outcome)
    return _refused_new(request, form)


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
        stored = save_from_form(request.user, form, key.name)
        if stored.key is not None:
            return _tested(request, stored, "The key is replaced.")
        form.add_refusal(stored.outcome)
    return _refused(request, key, form)


@require_POST
@negotiated
def key_rename(request: Request, pk: int) -> HttpResponse:
    key = _key_of(request, pk)
    form = RenameForm(posted(request), key=key, taken=keyring_of(request.user.pk).names(key.provider, key))
    if form.is_valid():
        try:
            vault.rename_key(key, form.cleaned_data["name"])
        except vault.NameTaken:
            form.add_error("name", TAKEN)
        else:
            if wants_json(request):
                return success(id=key.pk, name=key.name)
            messages.success(request, f"The key is now called {key.name}.")
            return redirect("configs:key_list")
    return _refused(request, key, form)


@require_POST
@negotiated
@rate_limited("key tests")
def key_test(request: Request, pk: int) -> HttpResponse:
    key = _key_of(request, pk)
    try:
        return _tested(request, SavedKey(retest(key), key))
    except vault.KeyNeedsReentry:
        message = "The vault can't read this key any more. Replace it."
        if wants_json(request):
            return failure({"key": [message]})
        messages.warning(request, message)
        return redirect("configs:key_list")


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def key_remove(request: Request, pk: int) -> HttpResponse:
    return confirm_removal(request, _key_of(request, pk))


def _key_of(request: Request, pk: int) -> ApiKey:
    key: ApiKey = get_object_or_404(ApiKey.objects.owned_by(request.user), pk=pk)
    if key.provider not in PROVIDERS:
        raise Http404
    return key


def _tested(request: Request, stored: SavedKey, message: str = "") -> HttpResponse:
    if wants_json(request):
        return success(**key_test_json(stored))
    add_outcome_message(request, stored.outcome, message)
    return redirect("configs:key_list")


def _refused(request: Request, key: ApiKey, form: KeyForm | RenameForm) -> HttpResponse:
    return form_failure(form) if wants_json(request) else _page(request, (key, form), status=422)


def _refused_new(request: Request, form: NewKeyForm) -> HttpResponse:
    return form_failure(form) if wants_json(request) else _page(request, new=form, status=422)


def _page(
    request: Request,
    *refused: tuple[ApiKey, KeyForm | RenameForm],
    new: NewKeyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"rows": stored_rows(request.user, *refused), "new_forms": new_key_forms(request.user, new)}
    return render(request, "configs/key_list.html", context, status=status)
