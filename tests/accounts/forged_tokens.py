"""Make tokens, good ones and every bad one that an attacker would try."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

Json = dict[str, Any]
KID = "the-key"
ISSUER = "https://project.example/auth/v1"
SUBJECT = str(uuid.uuid4())

EC_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
SHORT_RSA_KEY = rsa.generate_private_key(65537, 2040)
FOREIGN_KEY = ec.generate_private_key(ec.SECP256R1())


def _published(kid: str, jwk: Json, **more: Any) -> Json:
    return {**jwk, "kid": kid, "use": "sig", **more}


PUBLISHED: dict[str, Json] = {
    KID: _published(KID, ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), alg="ES256"),
    "rsa": _published("rsa", RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), alg="RS256"),
    "short": _published("short", RSAAlgorithm.to_jwk(SHORT_RSA_KEY.public_key(), as_dict=True)),
    "p384": _published("p384", ECAlgorithm.to_jwk(P384_KEY.public_key(), as_dict=True)),
    "secret": {"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
    "encryption": {
        **_published("encryption", ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True)),
        "use": "enc",
    },
}


def claims(**changes: Any) -> Json:
    """Return good claims with some changed; a change to `...` leaves the claim out."""
    now = int(time.time())
    created: Json = {
        "iss": ISSUER,
        "aud": "authenticated",
        "sub": SUBJECT,
        "role": "authenticated",
        "email": "ada@example.com",
        "session_id": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in created.items() if value is not ...}


def token(given: Json | None = None, *, key: Any = EC_KEY, alg: str = "ES256", **header: Any) -> str:
    header = {"kid": KID, **header}
    header = {name: value for name, value in header.items() if value is not ...}
    return jwt.encode(given or claims(), key, algorithm=alg, headers=header)


def _b64(part: Json | str) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64url_encode(text.encode()).decode()


def raw(header: Json | str, payload: Json | str, sign: Callable[[bytes], bytes] | None = None) -> str:
    """Return a token of any header and payload, well-formed or not, signed by the good key."""
    body = f"{_b64(header)}.{_b64(payload)}".encode()
    signer = sign or (lambda message: jwt.algorithms.ECAlgorithm(ECAlgorithm.SHA256).sign(message, EC_KEY))
    return f"{body.decode()}.{base64url_encode(signer(body)).decode()}"


def _hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda body: hmac.digest(secret, body, hashlib.sha256)


def _public_pem() -> bytes:
    return EC_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def corpus() -> dict[str, str]:
    """Return the bad tokens by the name of the attack."""
    now = int(time.time())
    good = token()
    head, payload, signature = good.split(".")
    es = {"alg": "ES256", "kid": KID, "typ": "JWT"}
    foreign_jwk = ECAlgorithm.to_jwk(FOREIGN_KEY.public_key(), as_dict=True)
    hs = {"alg": "HS256", "kid": KID}
    nested = "[" * 2000 + "]" * 2000
    twice = json.dumps(claims())[:-1]
    return {
        "empty": "",
        "no token": "abc",
        "two parts": f"{head}.{payload}",
        "four parts": f"{good}.x",
        "white space": f"{head}.{payload}.{signature} ",
        "a line's end": f"{good}\n",
        "not base64": f"{head}.{payload}.*",
        "other letters": f"{head}.{payload}.é",
        "alg none": f"{_b64({'alg': 'none', 'kid': KID})}.{payload}.",
        "alg none, some signature": f"{_b64({'alg': 'none', 'kid': KID})}.{payload}.{signature}",
        "alg None": f"{_b64({'alg': 'nOnE', 'kid': KID})}.{payload}.{signature}",
        "alg a list": raw({**es, "alg": ["ES256"]}, claims()),
        "alg missing": raw({"kid": KID}, claims()),
        "HS256 with the public key as PEM": raw(hs, claims(), _hs256(_public_pem())),
        "HS256 with the public key as JWK": raw(hs, claims(), _hs256(json.dumps(PUBLISHED[KID]).encode())),
        "HS256 with nothing": raw(hs, claims(), _hs256(b"")),
        "HS256 with a published secret": raw(
            {"alg": "HS256", "kid": "secret"}, claims(), _hs256(b"secret-secret-secret-secret-secret")
        ),
        "RS256 header, EC key": raw({**es, "alg": "RS256"}, claims()),
        "ES256 header, RSA key": token(key=EC_KEY, kid="rsa"),
        "PS256": token(key=RSA_KEY, alg="PS256", kid="rsa"),
        "a short RSA key": raw(
            {"alg": "RS256", "kid": "short"},
            claims(),
            lambda body: RSAAlgorithm(RSAAlgorithm.SHA256).sign(body, SHORT_RSA_KEY),
        ),
        "another curve": token(key=P384_KEY, alg="ES384", kid="p384"),
        "a key for encryption": token(kid="encryption"),
        "another project's key": token(key=FOREIGN_KEY),
        "kid missing": token(kid=...),
        "kid unknown": token(kid="unknown"),
        "kid empty": raw({**es, "kid": ""}, claims()),
        "kid a number": raw({**es, "kid": 1}, claims()),
        "kid a list": raw({**es, "kid": [KID]}, claims()),
        "kid null": raw({**es, "kid": None}, claims()),
        "kid a path": token(kid="../../../../dev/null"),
        "kid a URL": token(kid="https://attacker.example/jwks.json"),
        "kid with SQL": token(kid="' UNION SELECT 'x"),
        "kid with a NUL": token(kid=f"{KID}\x00"),
        "kid very long": token(kid="k" * 300),
        "embedded jwk": token(key=FOREIGN_KEY, jwk=foreign_jwk),
        "jku": token(key=FOREIGN_KEY, jku="https://attacker.example/jwks.json"),
        "x5u": token(key=FOREIGN_KEY, x5u="https://attacker.example/cert.pem"),
        "x5c": token(key=FOREIGN_KEY, x5c=["MIIB"]),
        "crit": token(crit=["exp"]),
        "unknown crit": token(crit=["http://example.com/unknown"]),
        "expired": token(claims(exp=now - 3600)),
        "expired beyond the leeway": token(claims(exp=now - 30)),
        "not yet": token(claims(nbf=now + 3600)),
        "issued in the future": token(claims(iat=now + 3600)),
        "no exp": token(claims(exp=...)),
        "exp null": raw(es, {**claims(), "exp": None}),
        "exp a text": raw(es, {**claims(), "exp": str(now + 3600)}),
        "exp true": raw(es, {**claims(), "exp": True}),
        "exp a list": raw(es, {**claims(), "exp": [now + 3600]}),
        "exp infinite": raw(es, twice + ', "nbf": Infinity}'),
        "exp too large": raw(es, json.dumps(claims(exp=...))[:-1] + ', "exp": 1e400}'),
        "nbf NaN": raw(es, twice + ', "nbf": NaN}'),
        "no iat": token(claims(iat=...)),
        "wrong iss": token(claims(iss="https://attacker.example/auth/v1")),
        "iss with a slash more": token(claims(iss=f"{ISSUER}/")),
        "iss a list": raw(es, {**claims(), "iss": [ISSUER]}),
        "no iss": token(claims(iss=...)),
        "wrong aud": token(claims(aud="anon")),
        "aud a list": token(claims(aud=["authenticated", "other"])),
        "no aud": token(claims(aud=...)),
        "role anon": token(claims(role="anon")),
        "role service_role": token(claims(role="service_role")),
        "role a list": token(claims(role=["authenticated"])),
        "no role": token(claims(role=...)),
        "sub no UUID": token(claims(sub="1 OR 1=1")),
        "sub in braces": token(claims(sub=f"{{{SUBJECT}}}")),
        "sub a number": raw(es, {**claims(), "sub": 1}),
        "no sub": token(claims(sub=...)),
        "no session": token(claims(session_id=...)),
        "session no UUID": token(claims(session_id="*")),
        "email an object": token(claims(email={"a": 1})),
        "claim twice": raw(es, twice + f', "sub": "{uuid.uuid4()}"}}'),
        "role twice": raw(es, '{"role": "anon", ' + json.dumps(claims())[1:]),
        "header twice": raw('{"alg": "none", ' + json.dumps(es)[1:], claims()),
        "payload a list": raw(es, "[]"),
        "payload no JSON": raw(es, "sub=1"),
        "payload not UTF-8": f"{head}.{base64url_encode(bytes([0xFF, 0xFE])).decode()}.{signature}",
        "header a text": raw('"ES256"', claims()),
        "deeply nested": raw(es, f'{{"a": {nested}}}'),
        "oversized": token(claims(user_metadata={"note": "x" * 10_000})),
        "truncated": good[:-10],
        "truncated to the shape": f"{head}.{payload}.{signature[:8]}",
        "another's signature": f"{head}.{_b64(claims(sub=str(uuid.uuid4())))}.{signature}",
        "zero signature": f"{head}.{payload}.{base64url_encode(bytes(64)).decode()}",
        "signature as DER": raw(es, claims(), _der),
    }


def _der(body: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes

    return EC_KEY.sign(body, ec.ECDSA(hashes.SHA256()))
