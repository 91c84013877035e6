"""The identity service, which holds the credentials, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from .base import IdentityService
from .local import LocalIdentityService

if TYPE_CHECKING:
    from .supabase import SupabaseIdentityService

__all__ = ["IdentityService", "identity_service", "supabase_service"]


def identity_service() -> IdentityService:
    """Return the configured identity service: Supabase if its URL is set, else the local one."""
    return supabase_service() or LocalIdentityService()


def supabase_service() -> SupabaseIdentityService | None:
    """Return the Supabase identity service, which can do more than the local one; None if not configured."""
    if not settings.SUPABASE_URL:
        return None
    # Imported on demand: the package takes longer to import than the rest of the forge.
    from .supabase import SupabaseIdentityService

    return SupabaseIdentityService()
