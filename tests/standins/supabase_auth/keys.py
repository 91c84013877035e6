from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .state import new_id


class Keys:
    """The project's signing keys, newest first; older ones go on verifying until they are forgotten."""

    def __init__(self) -> None:
        self._keys: list[tuple[str, ec.EllipticCurvePrivateKey]] = []
        self.shared_secret = ""
        self.rotate()

    def rotate(self, *, keep_old: bool = True) -> str:
        """Sign with a new key from now on; return its id."""
        kid = new_id()
        self._keys = [(kid, ec.generate_private_key(ec.SECP256R1())), *(self._keys if keep_old else [])]
        return kid

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign with the newest key, or with the legacy shared secret while one is set."""
        if self.shared_secret:
            return jwt.encode(claims, self.shared_secret, algorithm="HS256")
        kid, private = self._keys[0]
        return jwt.encode(claims, private, algorithm="ES256", headers={"kid": kid})

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token. Raises jwt.PyJWTError."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") == "HS256" and self.shared_secret:
            return self._decode(token, self.shared_secret, "HS256")
        known = dict(self._keys)
        if header.get("kid") not in known:
            raise jwt.InvalidKeyError("unrecognized JWT kid")
        return self._decode(token, known[header["kid"]].public_key(), "ES256")

    @staticmethod
    def _decode(token: str, key: Any, algorithm: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[algorithm], audience="authenticated", options={"verify_iat": False}
        )
        return claims

    def jwks(self) -> dict[str, Any]:
        if self.shared_secret:
            return {"keys": []}
        return {"keys": [self._public(kid, private) for kid, private in self._keys]}

    @staticmethod
    def _public(kid: str, private: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
        members: dict[str, Any] = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        return {**members, "kid": kid, "alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": True}
