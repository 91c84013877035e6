"""Hashes of passwords, the same however a keyboard composes their characters.

They are compared in the form NFKC, as NIST SP 800-63B recommends: a Mac may send "é" as two characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from django.contrib.auth.hashers import check_password, make_password


def encode(password: str | None) -> str:
    """Return the hash to store; without a password, one that nothing matches."""
    if password is None:
        return make_password(None)
    return make_password(unicodedata.normalize("NFKC", password))


def matches(password: str, encoded: str, upgrade: Callable[[str], None] | None = None) -> bool:
    """Return whether a password has this hash; `upgrade` gets a new hash if this one is outdated.

    Older hashes were made of the characters as they came, so every form that these may have had is tried.
    """
    current, *older = _forms(password)

    def renew(_: str) -> None:
        if upgrade is not None:
            upgrade(encode(password))

    if check_password(current, encoded, renew):
        return True
    if any(check_password(form, encoded) for form in older):
        renew(password)
        return True
    return False


def _forms(password: str) -> list[str]:
    normalized = [unicodedata.normalize(form, password) for form in ("NFKC", "NFC", "NFD")]
    return list(dict.fromkeys([normalized[0], password, *normalized[1:]]))
