"""What an unsuccessful response of Netlify means, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

from agentforge.outbound import Reply
from deployments.hosts.base import HostError, Reason

_MAX_LENGTH = 300
_RECONNECT = "Connect your Netlify account again with a new token."


def error_message(reply: Reply) -> str:
    """Return the message in an error's body, in any of its formats; empty for HTML."""
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    return _text(body)[:_MAX_LENGTH]


def _text(body: Any) -> str:
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
            return _text(errors)
        case dict():
            return "; ".join(f"{name}: {_text(value)}" for name, value in body.items())
        case list():
            return ", ".join(_text(value) for value in body)
    return ""


def error_for(reply: Reply, doing: str) -> HostError:
    """Return the error for a response that a retry would not change; `doing` names the request."""
    theirs = error_message(reply)
    quoted = f" Netlify said: “{theirs}”." if theirs else ""
    match reply.status:
        case 401:
            message = f"Netlify refused the token (401) while {doing}: revoked or expired. {_RECONNECT}"
            return HostError(Reason.TOKEN_REFUSED, message)
        case 402 | 403:
            return _forbidden(reply.status, doing, theirs, quoted)
        case 404:
            message = (
                f"Netlify could not find this (404) while {doing}: it was deleted, or this account has no "
                "access to it. Choose another site, or connect the account that owns it."
            )
            return HostError(Reason.GONE, message)
        case 413:
            remedy = "Choose fewer tools." if "function" in doing else "Don't offer the plugin for download."
            message = f"Netlify refused this as too large (413) while {doing}.{quoted} {remedy}"
            return HostError(Reason.TOO_LARGE, message)
        case 429:
            message = f"Netlify still limits the rate of requests (429) while {doing}."
            return HostError(Reason.RATE_LIMITED, f"{message} Try again in some minutes.")
    return HostError(*_by_message(reply.status, doing, theirs, quoted))


def _forbidden(status: int, doing: str, theirs: str, quoted: str) -> HostError:
    if any(word in theirs.lower() for word in ("plan", "limit", "quota", "usage", "credit", "used all")):
        message = f"Netlify's quota is used up ({status}) while {doing}.{quoted} Wait, or change the plan."
        return HostError(Reason.QUOTA, message)
    message = f"Netlify does not let this account do that ({status}) while {doing}.{quoted} Check its role."
    return HostError(Reason.FORBIDDEN, message)


def _by_message(status: int, doing: str, theirs: str, quoted: str) -> tuple[Reason, str]:
    lower = theirs.lower()
    if "sha" in lower and "match" in lower:
        message = f"Netlify received different bytes than announced ({status}) while {doing}.{quoted}"
        return Reason.MISMATCH, f"{message} Deploy again."
    if "unique" in lower or "taken" in lower:
        return Reason.NAME_TAKEN, "This name is already taken at Netlify. Choose another one."
    if any(word in lower for word in ("too large", "exceeds", "maximum size")):
        return Reason.TOO_LARGE, f"Netlify refused this as too large ({status}) while {doing}.{quoted}"
    if "function" in doing:
        message = f"Netlify refused the function ({status}).{quoted}"
        return Reason.FUNCTION_REFUSED, f"{message} Build the agent again, then deploy that build."
    if "not ready" in lower:
        return Reason.NOT_READY, f"This deploy never became ready at Netlify, so it can't go live.{quoted}"
    return Reason.REFUSED, f"Netlify refused this ({status}) while {doing}.{quoted}"
