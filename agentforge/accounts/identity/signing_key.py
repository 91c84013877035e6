"""The local identity service's signing key."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from jwt.algorithms import ECAlgorithm


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
    """Return this installation's key, created on first use under `var/secrets/`."""
    return _load(settings.VAR_DIR / "secrets" / "identity.pem")


@lru_cache(maxsize=4)
def _load(path: Path) -> SigningKey:
    if not path.exists():
        _create(path)
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise ValueError(f"{path} does not hold a P-256 private key")
    return SigningKey(private)


def _create(path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_bytes(pem)
        # A link fails if the name exists: of two processes that start at once, the first one's key wins.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
