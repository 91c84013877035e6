from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time

PERIOD = 30


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, moment: float | None = None) -> str:
    """Return the six digits of an authenticator (RFC 6238, SHA-1, 30 s)."""
    counter = int(time.time() if moment is None else moment) // PERIOD
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def is_valid(secret: str, code: str) -> bool:
    """Tell whether a code is that of now, or of the period before or after."""
    now = time.time()
    return any(hmac.compare_digest(code, code_at(secret, now + skew * PERIOD)) for skew in (-1, 0, 1))
