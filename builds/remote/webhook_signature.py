"""Sign and verify the messages between a forge and its builders, following the Standard Webhooks spec.

A message is a JSON object with a `kind`. The signature covers its body, id and timestamp, and an id is
accepted once. A sender without a response repeats the message under a new id; job keys, sequence numbers and
offsets make that idempotent (docs/builder.md).
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


class InvalidSignature(Exception):
    """The message was not signed with a known secret within the last five minutes."""


class RepeatedMessage(Exception):
    """A message with this id was accepted before."""


@dataclass(frozen=True)
class Message:
    """A verified message; `sender` is the name of the secret's owner."""

    sender: str
    content: dict[str, Any]


def sign(secret: str, content: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a message sent now."""
    body = json.dumps(content, separators=(",", ":"))
    number, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
    values = (number, str(int(now.timestamp())), Webhook(secret).sign(number, now, body))
    headers = dict(zip(HEADERS, values, strict=True))
    return body.encode(), {**headers, "Content-Type": "application/json"}


def check(secrets: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Message:
    """Verify a message and record its id; `secrets` are those of the possible senders, by name.

    Call it in the transaction that acts on the message: a rollback releases the id as well. Raises
    InvalidSignature, also for a timestamp more than five minutes away, and RepeatedMessage.
    """
    signature = {name: headers.get(name, "") for name in HEADERS}
    sender = next((name for name, secret in secrets.items() if _verifies(secret, body, signature)), None)
    if sender is None or len(signature["webhook-id"]) > _LONGEST_ID:
        raise InvalidSignature("The signature is wrong, or the message is older than five minutes.")
    if not SeenMessage.add(signature["webhook-id"]):
        raise RepeatedMessage("This message was accepted before.")
    try:
        content = json_value(body)
    except (ValueError, RecursionError) as error:
        raise InvalidSignature("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise InvalidSignature("The body is not a JSON object.")
    return Message(sender, content)


def _verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: a header is not base64 or has no version, or the body is not UTF-8.
        return False
    return True
