"""Who you are: the service that knows the credentials, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from .base import IdentityService
from .local import LocalIdentityService

if TYPE_CHECKING:
    from .supabase import SupabaseIdentityService

__all__ = ["IdentityService", "identity_service", "supabase_service"]


def identity_service() -> IdentityService:
    """Return the identity service that the settings choose: Supabase where its address is set."""
    return supabase_service() or LocalIdentityService()


def supabase_service() -> SupabaseIdentityService | None:
    """Return Supabase as the identity service, which can do more than the local one; None without it."""
    if not settings.SUPABASE_URL:
        return None
    # Imported when needed: the package takes longer to read than the rest of the forge.
    from .supabase import SupabaseIdentityService

    return SupabaseIdentityService()
