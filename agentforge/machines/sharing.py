"""Compare what this machine has of what all must share with what the database remembers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from agentforge import shared_secrets
from agentforge.shared_secrets import SESSIONS, TABLE, VAULT, SharedSecret

from .existing_data import verify_new
from .models import SharedFingerprint
from .shared_directories import DIRECTORIES

# By variable: fingerprint → "vm used on 28 Nov 2026, 22:10 UTC".
Recorded = dict[str, dict[str, str]]
_RECORDED = "SELECT variable, fingerprint, host, recorded_at FROM machines_sharedfingerprint ORDER BY id"

# A builder shares nothing: it works for a forge, and keeps nothing.
_FORGE = "forge"


@dataclass(frozen=True)
class Difference:
    """Something that this machine has otherwise than the rest; a directory, or else a secret."""

    variable: str
    message: str
    remedy: str
    is_directory: bool = False

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


def value_of(secret: SharedSecret) -> str:
    """Return a secret, made if it is missing and nothing depends on it yet. Raises SecretMissing."""
    if value := given(secret) or secret.stored(Path(settings.VAR_DIR)):
        return value
    verify_new(secret, settings.DATABASE_URL, settings.DATABASES["default"]["SCHEMA"])
    return secret.stored_or_new(Path(settings.VAR_DIR))


def given(secret: SharedSecret) -> str:
    """Return the value of a secret's variable, empty if it is unset; several keys are one on each line."""
    value = settings.SECRET_KEY_GIVEN if secret is SESSIONS else getattr(settings, secret.variable)
    return value if isinstance(value, str) else "\n".join(value)


def fingerprints_of(secret: SharedSecret) -> list[str]:
    """Return the fingerprint of each key of a secret that this machine has, the newest first."""
    value = given(secret) or secret.stored(Path(settings.VAR_DIR))
    keys = value.split() if secret is VAULT else [value] if value else []
    return [shared_secrets.fingerprint(secret, key) for key in keys]


def record() -> None:
    """Make what is missing on a new forge, and record what nobody recorded; a process does so as it starts.

    Raises SecretMissing.
    """
    if settings.AGENTFORGE_ROLE != _FORGE:
        return
    for secret in TABLE:
        value_of(secret)
    with transaction.atomic(), connection.cursor() as cursor:
        # Of two machines that start at once on a new forge, the second finds what the first recorded.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('agentforge machines'))")
        recorded = _recorded(cursor)
        for secret in TABLE:
            own, known = fingerprints_of(secret), recorded.get(secret.variable, {})
            # A new vault key comes before the old ones, which others still need.
            if not known or (secret is VAULT and known.keys() <= set(own)):
                _add(secret.variable, own[0])
        for directory in DIRECTORIES:
            if directory.is_needed() and not recorded.get(directory.variable):
                _add(directory.variable, directory.mark())


def differences(cursor: Any) -> list[Difference]:
    """Return what this machine has otherwise than the machine that recorded it."""
    if settings.AGENTFORGE_ROLE != _FORGE:
        return []
    recorded = _recorded(cursor)
    return [*_secrets(recorded), *_directories(recorded)]


def accept() -> None:
    """Record what this machine has in place of what is recorded. Raises SecretMissing."""
    with transaction.atomic():
        SharedFingerprint.objects.all().delete()
        record()


def forget_directories() -> None:
    """Let the next process record where the files are: they were restored."""
    variables = [directory.variable for directory in DIRECTORIES]
    SharedFingerprint.objects.filter(variable__in=variables).delete()


def keep_newest(secret: SharedSecret) -> None:
    """Let machines do without the older keys of a secret: nothing is encrypted with them any more."""
    newest = fingerprints_of(secret)[:1]
    SharedFingerprint.objects.filter(variable=secret.variable).exclude(fingerprint__in=newest).delete()


def _recorded(cursor: Any) -> Recorded:
    cursor.execute(_RECORDED)
    recorded: Recorded = {}
    for variable, fingerprint, host, recorded_at in cursor.fetchall():
        recorded.setdefault(variable, {})[fingerprint] = (
            f"{host} used on {recorded_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
        )
    return recorded


def _add(variable: str, fingerprint: str) -> None:
    SharedFingerprint.objects.get_or_create(
        variable=variable, fingerprint=fingerprint, defaults={"host": socket.gethostname()}
    )


def _secrets(recorded: Recorded) -> Iterator[Difference]:
    for secret in TABLE:
        own = fingerprints_of(secret)
        missing = [origin for known, origin in recorded.get(secret.variable, {}).items() if known not in own]
        if missing:
            yield Difference(
                secret.variable,
                f"{secret.variable} (or var/secrets/{secret.file}), which {secret.purpose}, is another one "
                f"here than {missing[0]}.",
                "All machines need the same. If it was changed everywhere: manage.py shared_secrets --accept",
            )


def _directories(recorded: Recorded) -> Iterator[Difference]:
    for directory in DIRECTORIES:
        known = recorded.get(directory.variable, {})
        if known and directory.is_needed() and directory.mark() not in known:
            yield Difference(
                directory.variable,
                f"{directory.path()} is not the directory with {directory.contents} that "
                f"{next(iter(known.values()))}.",
                f"{directory.remedy} If it was moved here: manage.py shared_secrets --accept",
                is_directory=True,
            )
