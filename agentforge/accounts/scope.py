from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import parse_cookie

from .errors import IdentityUnavailable
from .models import User
from .sessions import authentication
from .sessions.tokens import InvalidToken


def user_of(scope: dict[str, Any]) -> User | None:
    """Return the user of an ASGI connection; None also while the identity service can't say."""
    try:
        principal = principal_of(scope)
    except IdentityUnavailable:
        return None
    return principal.user if principal else None


def principal_of(scope: dict[str, Any]) -> authentication.Principal | None:
    """Return the principal of an ASGI connection, by bearer token or session cookie, or None.

    An invalid bearer token does not fall back to the cookie. Runs synchronously and outside any transaction;
    call it through `database_sync_to_async`. Raises IdentityUnavailable.
    """
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    given = {name.lower(): value.decode("latin-1") for name, value in headers}
    token = authentication.bearer_token(given.get(b"authorization", ""))
    try:
        if token is not None:
            return authentication.by_bearer(token)
        return _by_cookie(given.get(b"cookie", ""))
    except InvalidToken:
        return None


def _by_cookie(header: str) -> authentication.Principal | None:
    key = parse_cookie(header).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return authentication.by_session(store(key))
