"""Encrypt a text as age does, to a passphrase or to a public key, so that age itself can open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyrage
from pyrage import passphrase, x25519

# How a file that is encrypted to a passphrase begins its second line: https://age-encryption.org/v1
_PASSPHRASE = b"-> scrypt "


class CannotOpen(Exception):
    """The text can't be decrypted; `str()` says why."""


class Lock(Protocol):
    """Encrypts a text."""

    def encrypt(self, text: bytes) -> bytes: ...


class Unlock(Protocol):
    """Decrypts one; raises CannotOpen."""

    def decrypt(self, data: bytes) -> bytes: ...


@dataclass(frozen=True, repr=False)
class Passphrase:
    """Both locks and unlocks, for about a second each and with up to 512 MB of memory."""

    text: str

    def encrypt(self, text: bytes) -> bytes:
        return passphrase.encrypt(text, self.text)

    def decrypt(self, data: bytes) -> bytes:
        if not _has_passphrase(data):
            raise CannotOpen("They are encrypted to a public key: name the file with the secret key of it.")
        try:
            return passphrase.decrypt(data, self.text)
        except pyrage.DecryptError:
            raise CannotOpen("The passphrase is wrong.") from None


@dataclass(frozen=True)
class Recipient:
    """A public key, `age1…`, to lock with."""

    public: x25519.Recipient

    @classmethod
    def read(cls, text: str) -> Recipient:
        """Read `age1…`; raises ValueError."""
        try:
            return cls(x25519.Recipient.from_str(text.strip()))
        except pyrage.RecipientError as error:
            raise ValueError(str(error)) from None

    def encrypt(self, text: bytes) -> bytes:
        return pyrage.encrypt(text, [self.public])

    def __str__(self) -> str:
        return str(self.public)


@dataclass(frozen=True, repr=False)
class Identity:
    """A private key, `AGE-SECRET-KEY-1…`, to unlock with."""

    private: x25519.Identity

    @classmethod
    def generate(cls) -> Identity:
        return cls(x25519.Identity.generate())

    @classmethod
    def read(cls, text: str) -> Identity:
        """Read a file of age-keygen: comments and one key; raises ValueError."""
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        if len(keys) != 1:
            raise ValueError("it has to hold one line AGE-SECRET-KEY-1…")
        try:
            return cls(x25519.Identity.from_str(keys[0]))
        except pyrage.IdentityError as error:
            raise ValueError(str(error)) from None

    @property
    def recipient(self) -> Recipient:
        return Recipient(self.private.to_public())

    def text(self) -> str:
        return str(self.private)

    def decrypt(self, data: bytes) -> bytes:
        if _has_passphrase(data):
            raise CannotOpen("They are encrypted to a passphrase, not to a public key.")
        try:
            return pyrage.decrypt(data, [self.private])
        except pyrage.DecryptError:
            raise CannotOpen(
                "They are encrypted to another public key than that of this secret key."
            ) from None


def _has_passphrase(data: bytes) -> bool:
    return data.partition(b"\n")[2].startswith(_PASSPHRASE)
