from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agentforge.accounts import api_tokens
from agentforge.accounts.forms import ApiTokenForm
from agentforge.accounts.models import ApiToken
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from agentforge.tenancy import rls

from .responses import done

LIST = "accounts/api_token_list.html"


@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: Request) -> HttpResponse:
    """List the user's API tokens, and make one; its secret is shown once."""
    form = ApiTokenForm(posted(request), initial={"scope": ApiToken.Scope.READ, "days": 90})
    secret = ""
    with rls.as_service():
        if request.method == "POST" and _has_room(request, form):
            aal = str(request.claims.get("aal", "aal1"))
            _, secret = api_tokens.issue(request.user, **form.cleaned_data, aal=aal)
        rows = list(ApiToken.objects.filter(user=request.user).order_by("-created_at"))
    if wants_json(request):
        if form.errors:
            return form_failure(form)
        return success(tokens=[_json(row) for row in rows], **({"secret": secret} if secret else {}))
    context = {
        "form": ApiTokenForm(initial=form.initial) if secret else form,
        "tokens": rows,
        "secret": secret,
    }
    return render(request, LIST, context, status=422 if form.errors else 200)


def _has_room(request: Request, form: ApiTokenForm) -> bool:
    if form.is_valid() and ApiToken.objects.filter(user=request.user).count() >= api_tokens.MOST:
        form.add_error(None, f"There are {api_tokens.MOST} tokens already. Revoke one first.")
    return form.is_valid()


@negotiated
@require_POST
def token_revoke(request: Request, token_id: UUID) -> HttpResponse:
    with rls.as_service():
        token = ApiToken.objects.select_related("user").filter(pk=token_id, user=request.user).first()
        if token is None:
            raise Http404
        api_tokens.revoke(token)
    return done(request, "accounts:api_tokens", f"The token {token.name} is revoked.")


def _json(token: ApiToken) -> dict[str, Any]:
    names = ("name", "hint", "scope", "created_at", "expires_at", "last_used_at")
    return {"id": str(token.pk), **{name: getattr(token, name) for name in names}}
