"""API tokens: secrets that people make for their scripts. Only the hash is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.http import Request
from agentforge.problems import problem

from .models import ApiToken, User
from .throttling.acts import Act, performs

PREFIX = "afp_"
MOST = 50
# `last_used_at` is this precise, so that not every request writes.
_USE_INTERVAL = timedelta(minutes=1)
# Whoever holds a token may not change whose account it is, nor make further tokens.
_CLOSED = ("/accounts/", "/admin/", "/sign-out/")
_SAFE = ("GET", "HEAD", "OPTIONS")


@performs(Act.MAKE_TOKEN)
def issue(user: User, *, name: str, scope: str, days: int, aal: str) -> tuple[ApiToken, str]:
    """Make a token; return its row, and the secret, which can't be read again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=_digest(secret),
        hint=secret[-4:],
        scope=scope,
        aal=aal,
        expires_at=timezone.now() + timedelta(days=days),
    )
    record(Action.API_TOKEN_MADE, owner=user, name=name, scope=scope)
    return token, secret


def revoke(token: ApiToken) -> None:
    """End a token at once."""
    token.delete()
    record(Action.API_TOKEN_REVOKED, owner=token.user, name=token.name, scope=token.scope)


def revoke_all(user: User) -> None:
    """End all tokens of a user: whoever made them may not be the owner of the address."""
    for token in ApiToken.objects.filter(user=user):
        revoke(token)


def is_one(text: str) -> bool:
    """Return whether a bearer token has the form of an API token."""
    return text.startswith(PREFIX)


def find(secret: str) -> ApiToken | None:
    """Return the token in force with this secret, of a user who may use the forge, and note its use."""
    now = timezone.now()
    rows = ApiToken.objects.select_related("user").filter(expires_at__gt=now, user__is_active=True)
    token = rows.filter(digest=_digest(secret)).first()
    if token is not None:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_INTERVAL)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
    return token


def claims_of(token: ApiToken) -> dict[str, Any]:
    """Return claims as an access token has them."""
    return {
        "sub": str(token.user_id),
        "email": token.user.email,
        "role": "authenticated",
        "session_id": str(token.pk),
        "aal": token.aal,
        "iat": _seconds(token.created_at),
        "exp": _seconds(token.expires_at),
        "api_token": token.scope,
        "api_token_name": token.name,
    }


class ApiTokenMiddleware:
    """Keeps API tokens to their scope, and away from the account itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope = cast(Request, request).claims.get("api_token") if request.user.is_authenticated else None
        if scope is None:
            return self.get_response(request)
        if request.path_info.startswith(_CLOSED):
            return problem(403, "API tokens can't be used for the account itself. Nothing was changed.")
        if scope != ApiToken.Scope.WRITE and request.method not in _SAFE:
            return problem(403, "This API token can only read. Nothing was changed.")
        return self.get_response(request)


def _digest(secret: str) -> str:
    # Of 256 random bits: nobody can guess them, so the hash needs neither salt nor work.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
