"""Tell which role a key of a Supabase project has, without asking the project."""

from __future__ import annotations

import jwt


def key_problem(key: str) -> str:
    """Return what is wrong with a key for the Storage, or an empty string.

    The signature of an older key, a JWT, is the service's to check; its claim `role` is readable by anyone.
    """
    if not key:
        return "SUPABASE_SERVICE_KEY is not set."
    if key.startswith("sb_secret_"):
        return ""
    if key.startswith("sb_publishable_"):
        return "SUPABASE_SERVICE_KEY holds a publishable key (sb_publishable_…)."
    try:
        role = jwt.decode(key, options={"verify_signature": False}).get("role")
    except jwt.InvalidTokenError:
        return "SUPABASE_SERVICE_KEY is neither sb_secret_… nor a JWT."
    return "" if role == "service_role" else f"SUPABASE_SERVICE_KEY holds the key of the role {role!r}."


REMEDY = (
    "Set the project's secret key (sb_secret_…) or its service_role key; self-hosted, the service_role key."
)
