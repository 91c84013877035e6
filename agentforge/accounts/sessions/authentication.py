"""Authenticate a bearer token or a browser's session, for HTTP requests and live streams alike."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.sessions.backends.base import SessionBase

from agentforge.accounts import api_tokens, profile
from agentforge.accounts.identity import identity_service
from agentforge.accounts.models import SignIn, User

from . import sign_ins, tokens
from .store import SessionStore


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user, with the verified claims."""

    user: User
    claims: tokens.Claims
    access_token: str = field(repr=False)


def bearer_token(authorization: str) -> str | None:
    """Return the token of a Bearer Authorization header; None for any other scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def by_bearer(token: str) -> Principal:
    """Return the principal of a token; the user is created on first sight.

    Raises tokens.InvalidToken, also for a revoked session and a disabled user, and IdentityUnavailable.
    """
    if api_tokens.is_one(token):
        return _by_api_token(token)
    claims = tokens.verify(token)
    tokens.admit(claims)
    if identity_service().has_ended(claims):
        raise tokens.InvalidToken
    user = profile.follow(claims, token)
    if not user.is_active:
        raise tokens.InvalidToken
    return Principal(user, claims, token)


def _by_api_token(secret: str) -> Principal:
    token = api_tokens.find(secret)
    if token is None:
        raise tokens.InvalidToken
    return Principal(token.user, api_tokens.claims_of(token), secret)


def by_session(session: SessionBase) -> Principal | None:
    """Return the principal of a browser's session; None if nobody is signed in (any more).

    Raises IdentityUnavailable.
    """
    row = sign_ins.current(session)
    if row is None:
        return None
    try:
        claims = tokens.verify(row.access_token)
        tokens.admit(claims)
    except tokens.InvalidToken:
        # Its signing key was replaced, for example.
        return None
    if claims["sub"] != str(row.user_id) or not row.user.is_active or _has_ended(row, claims):
        return None
    if isinstance(session, SessionStore):
        session.remember(row, claims["session_id"])
    user = profile.follow(claims, row.access_token, user=row.user)
    if user.guest_until is not None:
        # What is open ends with the visit: the service's tokens may live longer.
        claims = {**claims, "exp": min(claims["exp"], user.guest_until.timestamp())}
    return Principal(user, claims, row.access_token)


def _has_ended(row: SignIn, claims: tokens.Claims) -> bool:
    return row.auth_session_in_force != claims["session_id"] and identity_service().has_ended(claims)
