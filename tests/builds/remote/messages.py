"""Send messages as a builder or a forge does, with right or wrong signatures."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client
from standardwebhooks import Webhook

from .builder import SECRET


def signed(
    content: Any, *, secret: str = SECRET, ago: timedelta = timedelta(), number: str = ""
) -> tuple[bytes, dict[str, str]]:
    """Return a signed body and its headers."""
    body = json.dumps(content)
    number = number or f"msg_{uuid.uuid4().hex}"
    at = datetime.now(UTC) - ago
    headers = {
        "webhook-id": number,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(number, at, body),
    }
    return body.encode(), headers


def post(path: str, body: bytes, headers: dict[str, str]) -> Any:
    """Post a message and return the answer."""
    return Client().post(path, body, content_type="application/json", headers=headers)


def say(path: str, content: Any, **how: Any) -> Any:
    """Sign and post a message, and return the answer."""
    return post(path, *signed(content, **how))
