"""Sign packages with the forge's Ed25519 key.

Ed25519 signatures depend only on key and content, so the same files stay the same bytes.
AGENTFORGE_SIGNING_KEY holds 32 bytes in base64; if unset, a key is generated once and kept in `var/secrets`.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agentforge.machines import sharing
from agentforge.shared_secrets import SIGNING

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class SigningKey:
    private: Ed25519PrivateKey

    @functools.cached_property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @functools.cached_property
    def pem(self) -> bytes:
        """Return the public key in PEM."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @functools.cached_property
    def name(self) -> str:
        """Return the key id in signatures: the sha256 (hex) of the public key in DER."""
        der = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()


def own_key() -> SigningKey:
    """Return the forge's key.

    Raises ValueError if AGENTFORGE_SIGNING_KEY is not a key.
    """
    return _read(sharing.value_of(SIGNING))


@functools.cache
def _read(text: str) -> SigningKey:
    try:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True)))
    except (binascii.Error, ValueError) as error:
        raise ValueError("AGENTFORGE_SIGNING_KEY is not 32 bytes in base64.") from error


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return the signed bytes of a DSSE envelope (DSSE 1.0, PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, key: SigningKey) -> bytes:
    """Return a signed DSSE envelope of an in-toto statement."""
    signature = key.private.sign(pre_authentication(PAYLOAD_TYPE, payload))
    content = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.name, "sig": base64.b64encode(signature).decode()}],
    }
    return (json.dumps(content, sort_keys=True, indent=1) + "\n").encode()


def is_signed(envelope: bytes, key: SigningKey) -> bool:
    """Return whether a DSSE envelope is signed with the key."""
    try:
        content = json.loads(envelope)
        payload = base64.b64decode(content["payload"], validate=True)
        signed = pre_authentication(content["payloadType"], payload)
        for signature in content["signatures"]:
            key.public.verify(base64.b64decode(signature["sig"], validate=True), signed)
            return True
    except (ValueError, LookupError, TypeError, InvalidSignature):
        return False
    return False
