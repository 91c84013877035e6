"""Signed requests to the other side, from a forge to a builder or back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentforge import outbound
from agentforge.negotiation import json_value

from .webhook_signature import sign

SECONDS = 10.0


class Unreachable(Exception):
    """The other side could not be reached or gave no usable response; the request may be retried."""


class Refused(Exception):
    """The other side answered with a client error; `content` is the JSON of its response."""

    def __init__(self, status: int, content: Mapping[str, Any]) -> None:
        self.status = status
        self.content = content
        super().__init__(str(content.get("detail", "")) or f"it answered {status}")


def call(url: str, secret: str, content: Mapping[str, Any], *, seconds: float = SECONDS) -> dict[str, Any]:
    """Send a message and return the JSON object of the response.

    Raises Refused for a status of 400 to 499, except 429. Raises Unreachable for other errors.
    """
    body, headers = sign(secret, content)
    try:
        reply = outbound.fetch("POST", url, headers=headers, content=body, seconds=seconds)
        answer = json_value(reply.body)
    except outbound.OutboundError as error:
        raise Unreachable(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"It answered {reply.status} without JSON.") from error
    if not isinstance(answer, dict) or reply.status >= 500 or reply.status in (301, 302, 303, 307, 308, 429):
        raise Unreachable(f"It answered {reply.status}.")
    if reply.status >= 400:
        raise Refused(reply.status, answer)
    return answer
