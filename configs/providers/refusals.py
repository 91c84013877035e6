"""What a provider's error says about a key."""

from __future__ import annotations

from typing import Any

from configs.choices import KeyStatus

# Machine-readable codes that are more specific than the status.
_UNSCOPED = {"missing_scope", "insufficient_permissions", "permission_error", "permission_denied"}
_NO_CREDIT = {"insufficient_quota", "billing_not_active", "insufficient_balance", "billing_error"}
_INVALID = {"invalid_api_key", "api_key_invalid", "authentication_error"}


def refusal(label: str, status: int, codes: set[str], expected: str) -> tuple[KeyStatus, str]:
    """Return the outcome of a response that is not `expected`, and the sentence that says so."""
    if codes & _UNSCOPED or (status == 403 and codes):
        return KeyStatus.UNSCOPED, f"{label} knows this key, but it may not list models ({status})."
    if status == 402 or codes & _NO_CREDIT:
        return KeyStatus.NO_CREDIT, f"{label} knows this key, but its account has no credit ({status})."
    if status == 429:
        return KeyStatus.RATE_LIMITED, f"{label} is limiting requests with this key (429): test it later."
    if status == 401 or codes & _INVALID:
        return KeyStatus.INVALID, f"{label} refused this key ({status})."
    if status == 200:
        return KeyStatus.UNREACHABLE, f"{label} answered, but not with {expected}."
    if 300 <= status < 400:
        return (
            KeyStatus.UNREACHABLE,
            f"{label} redirects to another address ({status}), which is not followed.",
        )
    if status == 404:
        return KeyStatus.UNREACHABLE, f"{label} has no list of models at this URL (404)."
    return KeyStatus.UNREACHABLE, f"{label} could not answer ({status}). The key may be right: test it later."


def codes_of(body: Any) -> set[str]:
    """Return the codes of an error: OpenAI's `code` and `type`, Anthropic's `type`, Google's `status`."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return set()
    details = error.get("details")
    reasons = [d.get("reason") for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    codes = [error.get("code"), error.get("type"), error.get("status"), *reasons]
    return {value.lower() for value in codes if isinstance(value, str)}
