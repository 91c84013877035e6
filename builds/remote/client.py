"""Make one signed call to the other side, and read its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentforge import outbound
from agentforge.negotiation import json_value

from .webhook_signature import sign

SECONDS = 10.0


class Silent(Exception):
    """Say that the other side could not be reached or gave no usable answer; it may be asked again."""


class Refused(Exception):
    """Hold the other side's refusal: its status, what it said, and the members of its answer."""

    def __init__(self, status: int, content: Mapping[str, Any]) -> None:
        self.status = status
        self.content = content
        super().__init__(str(content.get("detail", "")) or f"it answered {status}")


def call(url: str, secret: str, content: Mapping[str, Any], *, seconds: float = SECONDS) -> dict[str, Any]:
    """Send a message and return the answer's object.

    Raises Silent, also for an answer of 500 or more, and Refused for one of 400 or more.
    """
    body, headers = sign(secret, content)
    try:
        reply = outbound.fetch("POST", url, headers=headers, content=body, seconds=seconds)
        answer = json_value(reply.body)
    except outbound.OutboundError as error:
        raise Silent(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Silent(f"It answered {reply.status} without JSON.") from error
    if not isinstance(answer, dict) or reply.status >= 500 or reply.status in (301, 302, 303, 307, 308, 429):
        raise Silent(f"It answered {reply.status}.")
    if reply.status >= 400:
        raise Refused(reply.status, answer)
    return answer
