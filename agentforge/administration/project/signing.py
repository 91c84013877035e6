"""Ask which keys sign a project's tokens, and who they say issues them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
from django.conf import settings

from agentforge.accounts.identity import identity_service
from agentforge.accounts.identity.api_keys import is_signed_with, role_of
from agentforge.accounts.sessions.tokens import public_key

from .report import Line, right, unseen, wrong

_TOPIC = "signing keys"
_PAGE = "Project Settings, JWT keys"


def lines(client: httpx.Client) -> Iterator[Line]:
    """Report on signing keys and issuer."""
    yield _keys(client)
    yield _issuer(client)


def _keys(client: httpx.Client) -> Line:
    try:
        keys = client.get("/.well-known/jwks.json").json()["keys"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        message = f"The project's keys can't be read ({type(error).__name__})."
        return wrong(_TOPIC, message, "Check SUPABASE_URL.")
    unusable = sorted({_algorithm(key) for key in keys if not _is_usable(key)})
    if unusable:
        message = f"The forge does not verify {', '.join(unusable)}; it takes ES256 and RS256."
        return wrong(_TOPIC, message, f"{_PAGE}: rotate to an ECC (P-256) key, and revoke the other.")
    if keys:
        algorithms = ", ".join(sorted({_algorithm(key) for key in keys}))
        return right(_TOPIC, f"{len(keys)} published ({algorithms}).")
    return _shared_secret()


def _shared_secret() -> Line:
    """Report on a project that publishes no keys: it signs with its secret, as its older keys are."""
    secret, key = settings.SUPABASE_JWT_SECRET, settings.SUPABASE_ANON_KEY
    migrate = f"{_PAGE}: migrate to signing keys, or set SUPABASE_JWT_SECRET to the legacy JWT secret."
    if not secret:
        message = "The project signs with its shared secret (HS256), and SUPABASE_JWT_SECRET is not set."
        return wrong(_TOPIC, message, migrate)
    if key.startswith("sb_") or not role_of(key):
        return unseen(_TOPIC, "The project signs with SUPABASE_JWT_SECRET, if that is its secret.", migrate)
    if not is_signed_with(key, secret):
        message = "SUPABASE_JWT_SECRET is not this project's: its anon key is signed otherwise."
        return wrong(_TOPIC, message, migrate)
    return right(_TOPIC, "The project signs with SUPABASE_JWT_SECRET (HS256).")


def _issuer(client: httpx.Client) -> Line:
    expected = identity_service().issuer
    try:
        said = client.get("/.well-known/openid-configuration").json()["issuer"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return unseen(
            "issuer",
            f"Tokens must come from {expected}; this project doesn't tell its issuer without an account.",
            "If sign-in says that the service does not fit, set SUPABASE_JWT_ISSUER to a token's iss.",
        )
    if said != expected:
        message = f"Tokens come from {said}, and the forge expects {expected}."
        return wrong("issuer", message, f"Set SUPABASE_JWT_ISSUER={said}")
    return right("issuer", f"{expected}.")


def _is_usable(key: Any) -> bool:
    try:
        public_key(key)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return False
    return True


def _algorithm(key: Any) -> str:
    return str(key.get("alg") or key.get("kty")) if isinstance(key, dict) else "an unreadable key"
