"""Tell which role a key of a Supabase project has, without asking the project."""

from __future__ import annotations

import jwt


def role_of(key: str) -> str:
    """Return `anon` or `service_role`, another role of an older key, or an empty string for neither form.

    The signature of an older key, a JWT, is the service's to check; its claim `role` is readable by anyone.
    """
    if key.startswith("sb_secret_"):
        return "service_role"
    if key.startswith("sb_publishable_"):
        return "anon"
    try:
        return str(jwt.decode(key, options={"verify_signature": False}).get("role", ""))
    except jwt.InvalidTokenError:
        return ""


def has_expired(key: str) -> bool:
    """Return whether an older key, a JWT, says that its time is over."""
    try:
        jwt.decode(key, options={"verify_signature": False, "verify_exp": True, "verify_aud": False})
    except jwt.ExpiredSignatureError:
        return True
    except jwt.InvalidTokenError:
        return False
    return False


def is_signed_with(key: str, secret: str) -> bool:
    """Return whether an older key, a JWT, is signed with a project's shared secret."""
    try:
        jwt.decode(key, secret, algorithms=["HS256"], options={"verify_aud": False, "verify_exp": False})
    except jwt.InvalidTokenError:
        return False
    return True
