"""The secrets that all machines of one forge must share: one table, and the files that keep them.

Each is a variable, or else a file in `var/secrets` that the first process makes. Without Django: the settings
are made with it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SharedSecret:
    """A secret: its variable, its file in `var/secrets`, what it does, and how a new one is made."""

    variable: str
    file: str
    purpose: str
    generate: Callable[[], str]

    def path(self, var_dir: Path) -> Path:
        return var_dir / "secrets" / self.file

    def stored(self, var_dir: Path) -> str:
        """Return what the file holds, empty if there is none."""
        with contextlib.suppress(FileNotFoundError):
            return self.path(var_dir).read_text().strip()
        return ""

    def stored_or_new(self, var_dir: Path) -> str:
        """Return what the file holds, made if there is none; of two processes the first one's value wins."""
        if not (value := self.stored(var_dir)):
            write(self.path(var_dir), self.generate(), replace=False)
            value = self.stored(var_dir)
        return value


def write(path: Path, value: str, *, replace: bool) -> None:
    """Write a secret's file durably and in one step, for its owner alone; one that is there stays if told."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        with draft.open("w") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            # A link fails if the name exists.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def fingerprint(secret: SharedSecret, value: str) -> str:
    """Return 16 hex digits that tell two values of a secret apart, and nothing else about them."""
    text = f"agentforge {secret.variable}\0{value.strip()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _new_password() -> str:
    return secrets.token_urlsafe(48)


def _new_vault_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _new_seed() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _new_identity_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
        .strip()
    )


SESSIONS = SharedSecret("SECRET_KEY", "django", "signs sessions", _new_password)
IDENTITY = SharedSecret(
    "AGENTFORGE_IDENTITY_KEY",
    "identity.pem",
    "signs the tokens of the local identity service",
    _new_identity_key,
)
VAULT = SharedSecret("AGENTFORGE_VAULT_KEYS", "vault", "encrypts API keys", _new_vault_key)
SIGNING = SharedSecret("AGENTFORGE_SIGNING_KEY", "signing", "signs builds", _new_seed)
TABLE = (SESSIONS, IDENTITY, VAULT, SIGNING)
