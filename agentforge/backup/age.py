"""Encrypt a short text as age does, to a passphrase or to a public key, so that age itself can open it.

Source: https://age-encryption.org/v1 (the format), with one recipient and one chunk of at most 64 KiB.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from . import bech32

_VERSION = "age-encryption.org/v1"
_X25519, _SCRYPT = f"{_VERSION}/X25519".encode(), f"{_VERSION}/scrypt".encode()
_PUBLIC, _PRIVATE = "age", "age-secret-key-"
_CHUNK = 64 * 1024
# A file key is encrypted only once with each wrapping key.
_NO_NONCE = bytes(12)
_LAST_CHUNK = bytes(11) + b"\x01"
# 2^17 takes 128 MB and half a second; a file that asks for more than 2^20 (1 GB) is refused.
_WORK, _MOST_WORK = 17, 20


class CannotOpen(Exception):
    """The text can't be decrypted; `str()` says why."""


class Lock(Protocol):
    """Wraps the key of a file: the arguments of a stanza, and its body."""

    def wrap(self, file_key: bytes) -> tuple[list[str], bytes]: ...


class Unlock(Protocol):
    """Unwraps it; raises CannotOpen."""

    def unwrap(self, arguments: list[str], body: bytes) -> bytes: ...


@dataclass(frozen=True, repr=False)
class Passphrase:
    """Both locks and unlocks."""

    text: str

    def wrap(self, file_key: bytes) -> tuple[list[str], bytes]:
        salt = secrets.token_bytes(16)
        key = self._key(salt, _WORK)
        return ["scrypt", _encode(salt), str(_WORK)], ChaCha20Poly1305(key).encrypt(_NO_NONCE, file_key, None)

    def unwrap(self, arguments: list[str], body: bytes) -> bytes:
        if len(arguments) != 3 or arguments[0] != "scrypt" or not arguments[2].isdecimal():
            raise CannotOpen("They are encrypted to a public key: name the file with the secret key of it.")
        if int(arguments[2]) > _MOST_WORK:
            raise CannotOpen("They ask for too much work to open.")
        return _unwrap(self._key(_decode(arguments[1]), int(arguments[2])), body, "The passphrase is wrong.")

    def _key(self, salt: bytes, work: int) -> bytes:
        return Scrypt(salt=_SCRYPT + salt, length=32, n=2**work, r=8, p=1).derive(self.text.encode())


@dataclass(frozen=True)
class Recipient:
    """A public key, `age1…`, to lock with."""

    public: bytes

    @classmethod
    def read(cls, text: str) -> Recipient:
        """Read `age1…`; raises ValueError."""
        return cls(_key_bytes(_PUBLIC, text))

    def wrap(self, file_key: bytes) -> tuple[list[str], bytes]:
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public))
        key = _derive(secret, share + self.public, _X25519)
        return ["X25519", _encode(share)], ChaCha20Poly1305(key).encrypt(_NO_NONCE, file_key, None)

    def __str__(self) -> str:
        return bech32.encode(_PUBLIC, self.public)


@dataclass(frozen=True, repr=False)
class Identity:
    """A private key, `AGE-SECRET-KEY-1…`, to unlock with."""

    private: bytes

    @classmethod
    def generate(cls) -> Identity:
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def read(cls, text: str) -> Identity:
        """Read a file of age-keygen: comments and one key; raises ValueError."""
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        if len(keys) != 1:
            raise ValueError("it has to hold one line AGE-SECRET-KEY-1…")
        return cls(_key_bytes(_PRIVATE, keys[0]))

    @property
    def recipient(self) -> Recipient:
        return Recipient(X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw())

    def text(self) -> str:
        return bech32.encode(_PRIVATE, self.private).upper()

    def unwrap(self, arguments: list[str], body: bytes) -> bytes:
        if len(arguments) != 2 or arguments[0] != "X25519":
            raise CannotOpen("They are encrypted to a passphrase, not to a public key.")
        share = _decode(arguments[1])
        secret = X25519PrivateKey.from_private_bytes(self.private).exchange(
            X25519PublicKey.from_public_bytes(share)
        )
        key = _derive(secret, share + self.recipient.public, _X25519)
        return _unwrap(key, body, "They are encrypted to another public key than that of this secret key.")


def encrypt(text: bytes, lock: Lock) -> bytes:
    """Encrypt at most 64 KiB; raises ValueError for more."""
    if len(text) > _CHUNK:
        raise ValueError("more than one chunk")
    file_key, nonce = secrets.token_bytes(16), secrets.token_bytes(16)
    arguments, body = lock.wrap(file_key)
    header = f"{_VERSION}\n-> {' '.join(arguments)}\n{_encode(body)}\n---".encode()
    payload = ChaCha20Poly1305(_derive(file_key, nonce, b"payload")).encrypt(_LAST_CHUNK, text, None)
    return header + b" " + _encode(_mac(file_key, header)).encode() + b"\n" + nonce + payload


def decrypt(data: bytes, unlock: Unlock) -> bytes:
    """Return what was encrypted. Raises CannotOpen."""
    damaged = CannotOpen("They are damaged.")
    start, mark, rest = data.partition(b"\n--- ")
    mac, _, payload = rest.partition(b"\n")
    lines = start.decode("ascii", "replace").split("\n")
    if not mark or len(lines) != 3 or lines[0] != _VERSION or not lines[1].startswith("-> "):
        raise damaged
    try:
        file_key = unlock.unwrap(lines[1].split()[1:], _decode(lines[2]))
        if not hmac.compare_digest(_decode(mac.decode()), _mac(file_key, start + b"\n---")):
            raise damaged
        key = _derive(file_key, payload[:16], b"payload")
        return ChaCha20Poly1305(key).decrypt(_LAST_CHUNK, payload[16:], None)
    except (InvalidTag, ValueError) as error:
        raise damaged from error


def _unwrap(key: bytes, body: bytes, refusal: str) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(_NO_NONCE, body, None)
    except InvalidTag:
        raise CannotOpen(refusal) from None


def _derive(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, purpose).derive(secret)


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), header, hashlib.sha256)


def _key_bytes(prefix: str, text: str) -> bytes:
    data = bech32.decode(prefix, text.strip())
    if len(data) != 32:
        raise ValueError("it is not 32 bytes long")
    return data


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
