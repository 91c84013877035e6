"""Sign what the forge hands out, with a key of its own.

The key is Ed25519: its signatures depend on key and content alone, so the same files stay the same bytes.
AGENTFORGE_SIGNING_KEY holds it as 32 bytes in base64; unset, one is made once and kept in `var/secrets`.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class SigningKey:
    """Hold the forge's key."""

    private: Ed25519PrivateKey

    @functools.cached_property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @functools.cached_property
    def pem(self) -> bytes:
        """Return the public key as a PEM file holds it."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @functools.cached_property
    def name(self) -> str:
        """Return the sha256 of the public key (DER), in hex: what signatures name it by."""
        der = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()


def own_key() -> SigningKey:
    """Return the forge's key.

    Raises ValueError when AGENTFORGE_SIGNING_KEY holds none.
    """
    text = settings.AGENTFORGE_SIGNING_KEY or _kept(Path(settings.VAR_DIR) / "secrets" / "signing")
    return _read(text)


@functools.cache
def _read(text: str) -> SigningKey:
    try:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True)))
    except (binascii.Error, ValueError) as error:
        raise ValueError("AGENTFORGE_SIGNING_KEY is not 32 bytes in base64.") from error


def _kept(path: Path) -> str:
    """Return the key that lies in a file, made on first use: whole or not at all, whoever comes first."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode())
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path.read_text().strip()


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a DSSE envelope's signature is over (DSSE 1.0, PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, key: SigningKey) -> bytes:
    """Return a DSSE envelope of an in-toto statement, signed."""
    signature = key.private.sign(pre_authentication(PAYLOAD_TYPE, payload))
    content = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.name, "sig": base64.b64encode(signature).decode()}],
    }
    return (json.dumps(content, sort_keys=True, indent=1) + "\n").encode()


def is_signed(enveloped: bytes, key: SigningKey) -> bool:
    """Tell whether a DSSE envelope is signed by the key."""
    try:
        content = json.loads(enveloped)
        payload = base64.b64decode(content["payload"], validate=True)
        signed = pre_authentication(content["payloadType"], payload)
        for signature in content["signatures"]:
            key.public.verify(base64.b64decode(signature["sig"], validate=True), signed)
            return True
    except (ValueError, LookupError, TypeError, InvalidSignature):
        return False
    return False
