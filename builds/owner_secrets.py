from __future__ import annotations

from uuid import UUID

from configs.keys.vault import values_to_redact


def secret_values(owner_id: UUID) -> list[str]:
    """Return the plain values of an owner's keys, to redact them."""
    return values_to_redact(owner_id)
