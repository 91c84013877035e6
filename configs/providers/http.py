"""Translate a provider's response to `GET models` into one of the six outcomes of a key test."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from agentforge import outbound
from configs.choices import KeyStatus

from .base import Outcome

MAX_MODELS = 1000
MAX_MODEL_LENGTH = 200

# Machine-readable codes that are more specific than the status.
_UNSCOPED = {"missing_scope", "insufficient_permissions", "permission_error", "permission_denied"}
_NO_CREDIT = {"insufficient_quota", "billing_not_active", "insufficient_balance", "billing_error"}
_INVALID = {"invalid_api_key", "api_key_invalid", "authentication_error"}


def list_models(label: str, url: str, headers: Mapping[str, str]) -> Outcome:
    """List the models and return what the response says about the key; never raises.

    Uses the status and machine-readable codes: providers change the wording of their errors.
    """
    started = time.monotonic()
    models: tuple[str, ...] = ()
    try:
        reply = outbound.fetch("GET", url, headers={"Accept": "application/json", **headers})
    except outbound.OutboundError as error:
        status, detail = KeyStatus.UNREACHABLE, str(error)
    else:
        body = _json(reply.body)
        offered = _models(body) if reply.status == 200 else None
        if offered is None:
            status, detail = _refusal(label, reply.status, _codes(body))
        else:
            models = offered
            status, detail = (
                KeyStatus.VALID,
                f"{label} offers {len(models)} model{'' if len(models) == 1 else 's'}.",
            )
    return Outcome(status, detail, models, round((time.monotonic() - started) * 1000))


def _refusal(label: str, status: int, codes: set[str]) -> tuple[KeyStatus, str]:
    if codes & _UNSCOPED or (status == 403 and codes):
        return KeyStatus.UNSCOPED, f"{label} knows this key, but it may not list models ({status})."
    if status == 402 or codes & _NO_CREDIT:
        return KeyStatus.NO_CREDIT, f"{label} knows this key, but its account has no credit ({status})."
    if status == 429:
        return KeyStatus.RATE_LIMITED, f"{label} is limiting requests with this key (429): test it later."
    if status == 401 or codes & _INVALID:
        return KeyStatus.INVALID, f"{label} refused this key ({status})."
    if status == 200:
        return KeyStatus.UNREACHABLE, f"{label} answered, but not with a list of models."
    if 300 <= status < 400:
        return (
            KeyStatus.UNREACHABLE,
            f"{label} redirects to another address ({status}), which is not followed.",
        )
    if status == 404:
        return KeyStatus.UNREACHABLE, f"{label} has no list of models at this URL (404)."
    return KeyStatus.UNREACHABLE, f"{label} could not answer ({status}). The key may be right: test it later."


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _codes(body: Any) -> set[str]:
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


def _models(body: Any) -> tuple[str, ...] | None:
    entries = body.get("data") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        return None
    names = [entry.get("id") for entry in entries[:MAX_MODELS] if isinstance(entry, dict)]
    return tuple(sorted({name for name in names if isinstance(name, str) and _usable(name)}))


def _usable(name: str) -> bool:
    return 0 < len(name) <= MAX_MODEL_LENGTH and name.isprintable()
