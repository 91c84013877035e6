"""Verify access tokens, for browsers, scripts and streams alike.

Follows RFC 8725 (JWT best practices): nothing in a token chooses how it is verified. Its `kid` only selects
one of the identity service's published keys, and the type of that key decides the algorithm.
"""

from __future__ import annotations

import json
import re
from typing import Any, Never
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from jwt.utils import base64url_decode

from agentforge.accounts.identity import IdentityService, identity_service
from agentforge.accounts.models import is_visiting

Claims = dict[str, Any]

# Much user_metadata makes long tokens; servers take headers of up to 16 KiB.
MAX_LENGTH = 12_288
LEEWAY_SECONDS = 10
AUDIENCE = ROLE = "authenticated"
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_REQUIRED = ["iss", "aud", "exp", "iat", "sub", "role", "session_id"]


class InvalidToken(Exception):
    """The token is not valid. The message never says why: that would only help forgers."""

    def __init__(self) -> None:
        super().__init__("The access token is not valid.")


class NotAdmitted(InvalidToken):
    """The token is valid, but this site does not serve users of this kind."""

    def __init__(self) -> None:
        Exception.__init__(self, "Users without an e-mail address are not served here. Sign up with one.")


def admit(claims: Claims) -> None:
    """Raise NotAdmitted for anonymous users and those without an address, unless a setting serves them.

    Guests are served for the time of their visit. Other anonymous users are not this forge's: whoever has the
    project's publishable key makes as many as they like.
    """
    if not settings.SUPABASE_URL or settings.SUPABASE_USERS_WITHOUT_EMAIL:
        return
    if claims.get("is_anonymous") and is_visiting(claims["sub"]):
        return
    if claims.get("is_anonymous") or not claims.get("email"):
        raise NotAdmitted


def verify(token: str, *, service: IdentityService | None = None) -> Claims:
    """Return the claims of a valid access token.

    Raises InvalidToken, and IdentityUnavailable if no keys could be fetched.
    """
    service = service or identity_service()
    try:
        key, algorithm = _key_of(token, service)
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=AUDIENCE,
            issuer=service.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED, "strict_aud": True},
        )
        _check_claims(claims)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        # `from None`: the cause would put the reason, and parts of the token, into logs.
        raise InvalidToken from None
    return claims


def _key_of(token: str, service: IdentityService) -> tuple[Any, str]:
    if len(token) > MAX_LENGTH or not _SHAPE.fullmatch(token):
        raise ValueError("shape")
    header, payload, _ = token.split(".")
    fields = _strict_object(header)
    _strict_object(payload)
    if "crit" in fields:
        raise ValueError("crit")
    if fields.get("alg") == "HS256" and service.shared_secret:
        # A legacy project's tokens; the secret is an operator's setting, never a published key.
        return service.shared_secret, "HS256"
    kid = fields.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= 200:
        raise ValueError("header")
    jwk = service.keys.jwk(kid)
    if jwk is None:
        raise ValueError("kid")
    key, algorithm = public_key(jwk)
    if fields.get("alg") != algorithm:
        raise ValueError("alg")
    return key, algorithm


def public_key(jwk: dict[str, Any]) -> tuple[Any, str]:
    """Return a published key and the only algorithm that it may verify."""
    key = jwt.PyJWK(jwk, algorithm={"EC": "ES256", "RSA": "RS256"}[_text(jwk, "kty")]).key
    if jwk.get("use", "sig") != "sig":
        raise ValueError("use")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        algorithm = "ES256"
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        algorithm = "RS256"
    else:
        raise ValueError("key")
    if jwk.get("alg", algorithm) != algorithm:
        raise ValueError("alg")
    return key, algorithm


def _strict_object(part: str) -> dict[str, Any]:
    """Decode a part of a token; refuse JSON that parsers could read in two ways."""
    value = json.loads(
        base64url_decode(part).decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse
    )
    if not isinstance(value, dict):
        raise ValueError("object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate")
    return members


def _refuse(constant: str) -> Never:
    raise ValueError(constant)


def _check_claims(claims: Claims) -> None:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(name)
    for name in ("sub", "session_id"):
        text = _text(claims, name)
        if str(UUID(text)) != text:
            raise ValueError(name)
    if claims["role"] != ROLE or not isinstance(claims.get("email", ""), str):
        raise ValueError("role")


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise ValueError(name)
    return value
