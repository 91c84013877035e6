from __future__ import annotations

from uuid import UUID

from configs.models import ApiKey
from configs.vault import KeyNeedsReentry, reveal


def secret_values(owner_id: UUID) -> list[str]:
    """Return the plain values of all of an owner's keys, to blank them wherever they might appear."""
    values = []
    for key in ApiKey.objects.filter(owner_id=owner_id):
        try:
            values.append(reveal(key, purpose="redact a log"))
        except KeyNeedsReentry:
            continue
    return values
