from __future__ import annotations

from uuid import UUID

from configs.vault import values_to_redact


def secret_values(owner_id: UUID) -> list[str]:
    """Return the plain values of all of an owner's keys, to blank them wherever they might appear."""
    return values_to_redact(owner_id)
