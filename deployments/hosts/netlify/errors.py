"""Say what an answer of Netlify other than success means, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

from agentforge.outbound import Reply
from deployments.hosts.base import HostError, Reason

_LONGEST = 300
_RECONNECT = "Connect your Netlify account again with a new token."


def said(reply: Reply) -> str:
    """Return the message in an error's body, whichever of its shapes it has; empty for HTML."""
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    return _flat(body)[:_LONGEST]


def _flat(body: Any) -> str:
    match body:
        case str():
            return body
        case {"message": str(message)}:
            return message
        case {"error_message": str(message)}:
            return message
        case {"error": str(message)}:
            return message
        case {"errors": errors} | {"error": errors}:
            return _flat(errors)
        case dict():
            return "; ".join(f"{name}: {_flat(value)}" for name, value in body.items())
        case list():
            return ", ".join(_flat(value) for value in body)
    return ""


def refusal(reply: Reply, doing: str) -> HostError:
    """Return the error for an answer that will not get better by asking again; `doing` names the request."""
    told = said(reply)
    quoted = f" Netlify said: “{told}”." if told else ""
    match reply.status:
        case 401:
            words = f"Netlify refused the token (401) while {doing}: revoked or expired. {_RECONNECT}"
            return HostError(Reason.TOKEN_REFUSED, words)
        case 402 | 403:
            return _forbidden(reply.status, doing, told, quoted)
        case 404:
            words = (
                f"Netlify does not know what was asked for (404) while {doing}: it was deleted, or this "
                "account has no access to it. Choose another site, or connect the account that owns it."
            )
            return HostError(Reason.GONE, words)
        case 413:
            remedy = (
                "Its tools make it larger: leave some out."
                if "function" in doing
                else "Leave the plugin out."
            )
            words = f"Netlify refused this as too large (413) while {doing}.{quoted} {remedy}"
            return HostError(Reason.TOO_LARGE, words)
    return HostError(*_by_words(reply.status, doing, told, quoted))


def _forbidden(status: int, doing: str, told: str, quoted: str) -> HostError:
    if any(word in told.lower() for word in ("plan", "limit", "quota", "usage", "credit", "used all")):
        words = f"Netlify's quota is used up ({status}) while {doing}.{quoted} Wait, or change the plan."
        return HostError(Reason.QUOTA, words)
    words = f"Netlify does not let this account do that ({status}) while {doing}.{quoted} Check its role."
    return HostError(Reason.FORBIDDEN, words)


def _by_words(status: int, doing: str, told: str, quoted: str) -> tuple[Reason, str]:
    lower = told.lower()
    if "sha" in lower and "match" in lower:
        return Reason.MISMATCH, (
            f"Netlify received other bytes than announced ({status}) while {doing}.{quoted} Deploy again."
        )
    if "unique" in lower or "taken" in lower:
        return (
            Reason.NAME_TAKEN,
            "This name is taken at Netlify, by you or somebody else. Choose another one.",
        )
    if any(word in lower for word in ("too large", "exceeds", "maximum size")):
        return Reason.TOO_LARGE, f"Netlify refused it as too large ({status}) while {doing}.{quoted}"
    if "function" in doing:
        return Reason.FUNCTION_REFUSED, (
            f"Netlify refused the function ({status}).{quoted} Build the agent again, then deploy that build."
        )
    if "not ready" in lower:
        return Reason.NOT_READY, f"This deploy never became ready at Netlify, so it can't go live.{quoted}"
    return Reason.REFUSED, f"Netlify refused this ({status}) while {doing}.{quoted}"
