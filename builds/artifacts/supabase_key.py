"""Tell whether a key is one for the Storage, without asking the project."""

from __future__ import annotations

from agentforge.accounts.identity.api_keys import has_expired, role_of

REMEDY = (
    "Set the project's secret key (sb_secret_…) or its service_role key; self-hosted, the service_role key."
)


def key_problem(key: str) -> str:
    """Return what is wrong with a key for the Storage, or an empty string."""
    if not key:
        return "SUPABASE_SERVICE_KEY is not set."
    if key.startswith("sb_publishable_"):
        return "SUPABASE_SERVICE_KEY holds a publishable key (sb_publishable_…)."
    role = role_of(key)
    if not role:
        return "SUPABASE_SERVICE_KEY is neither sb_secret_… nor a JWT."
    if role != "service_role":
        return f"SUPABASE_SERVICE_KEY holds the key of the role {role!r}."
    return "SUPABASE_SERVICE_KEY has expired." if has_expired(key) else ""
