"""Refresh tokens of version 2: session and counter, signed (internal/crypto/refresh_tokens.go)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass

_SIGNATURE, _CHECKSUM = 16, 4
_SHORTEST = 1 + 16 + 1 + _SIGNATURE + _CHECKSUM


@dataclass(frozen=True)
class SignedToken:
    session_id: str
    counter: int

    def encode(self, key: bytes) -> str:
        body = b"\0" + uuid.UUID(self.session_id).bytes + _varint(self.counter)
        body += hmac.digest(key, body, "sha256")[:_SIGNATURE]
        body += hashlib.sha256(body).digest()[:_CHECKSUM]
        return base64.urlsafe_b64encode(body).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> SignedToken | None:
        """Return what a well-formed token says, whoever signed it; None for any other text."""
        try:
            body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        is_whole = len(body) >= _SHORTEST and body[0] == 0
        if not is_whole or hashlib.sha256(body[:-_CHECKSUM]).digest()[:_CHECKSUM] != body[-_CHECKSUM:]:
            return None
        return cls(str(uuid.UUID(bytes=body[1:17])), _read_varint(body[17 : -_SIGNATURE - _CHECKSUM]))


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _read_varint(parts: bytes) -> int:
    return sum((part & 0x7F) << 7 * place for place, part in enumerate(parts))
