"""Sign and check the messages between a forge and its builders, by the Standard Webhooks rules.

A message is one JSON object with a `kind`. Its body is signed together with its id and the time, and an id is
taken once: a message that is repeated is refused. Who got no answer says it anew, under a new id; that it
has no second effect is the business of job keys, sequence numbers and offsets (docs/builder.md).
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from agentforge.negotiation import json_value

from .models import SeenMessage

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_LONGEST_ID = 120


class Forged(Exception):
    """Refuse a message that nobody who knows the secret has just signed."""


class Repeated(Exception):
    """Refuse a message whose id was taken before."""


@dataclass(frozen=True)
class Message:
    """Hold a checked message: who signed it, and what it says."""

    sender: str
    content: dict[str, Any]


def sign(secret: str, content: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a message that is sent now."""
    body = json.dumps(content, separators=(",", ":"))
    number, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
    values = (number, str(int(now.timestamp())), Webhook(secret).sign(number, now, body))
    headers = dict(zip(HEADERS, values, strict=True))
    return body.encode(), {**headers, "Content-Type": "application/json"}


def check(secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Message:
    """Return what a message says; `secrets` are those of the possible senders, by their names.

    Raises Forged, also for a time more than five minutes away, and Repeated. To be called in the transaction
    that does what the message asks for: undone with it, the id may come again.
    """
    given = {name: headers.get(name, "") for name in HEADERS}
    sender = next((name for name, secret in secrets.items() if _verifies(secret, body, given)), None)
    if sender is None or len(given["webhook-id"]) > _LONGEST_ID:
        raise Forged("The signature is wrong, or the message is older than five minutes.")
    if not SeenMessage.take(given["webhook-id"]):
        raise Repeated("This message was taken before.")
    try:
        content = json_value(body)
    except (ValueError, RecursionError) as error:
        raise Forged("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise Forged("The body is no JSON object.")
    return Message(sender, content)


def _verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        # A ValueError is a header that is no base64 or has no version, or a body that is no UTF-8.
        return False
    return True
