"""The local identity service's signing key."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from agentforge.machines import sharing
from agentforge.shared_secrets import IDENTITY

NOT_A_KEY = "AGENTFORGE_IDENTITY_KEY, or var/secrets/identity.pem, is not a P-256 private key in PEM."


class SigningKey:
    """An ES256 key; its id is the RFC 7638 thumbprint of the public part."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        public: dict[str, Any] = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        members = {name: public[name] for name in ("crv", "kty", "x", "y")}
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).digest()
        self.kid = jwt.utils.base64url_encode(digest).decode()
        self.public_jwk = {**members, "kid": self.kid, "alg": "ES256", "use": "sig", "key_ops": ["verify"]}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._private, algorithm="ES256", headers={"kid": self.kid})


class LocalKeys:
    def jwk(self, kid: str) -> dict[str, Any] | None:
        public = signing_key().public_jwk
        return public if kid == public["kid"] else None


def signing_key() -> SigningKey:
    """Return the forge's key: AGENTFORGE_IDENTITY_KEY, or else one made on first use in `var/secrets`.

    Raises ValueError if it is not a P-256 private key.
    """
    return read(sharing.value_of(IDENTITY))


@lru_cache(maxsize=4)
def read(text: str) -> SigningKey:
    """Read a key in PEM, its lines divided by newlines or by `\\n`, or in base64 of that, as one line."""
    pem = text.replace("\\n", "\n").encode()
    try:
        if not pem.startswith(b"-----"):
            pem = base64.b64decode(pem, validate=True)
        private = serialization.load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise ValueError(NOT_A_KEY) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise ValueError(NOT_A_KEY)
    return SigningKey(private)
