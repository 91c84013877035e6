from __future__ import annotations

from uuid import UUID

from django.conf import settings

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from . import session_revocation
from .identity import supabase_service
from .models import LocalIdentity, User
from .throttling.acts import Act, performs


def reaches_identity_service() -> bool:
    """Return whether the account at the identity service can be deleted from here too."""
    return not settings.SUPABASE_URL or bool(settings.SUPABASE_SERVICE_KEY)


@performs(Act.DELETE_ACCOUNT)
def delete(user: User) -> None:
    """Delete an account with everything that belongs to it, and end its sessions and tokens.

    Raises IdentityError if only the account at the identity service is left.
    """
    user_id = user.pk
    delete_here(user)
    delete_at_service(user_id)


def delete_here(user: User) -> None:
    """Do the part of `delete` that is the database's."""
    user_id = user.pk
    session_revocation.end_sessions_of(user_id)
    record(Action.ACCOUNT_DELETED, owner=None, who_id=str(user_id))
    LocalIdentity.objects.filter(pk=user_id).delete()
    user.delete()


def delete_at_service(user_id: UUID) -> None:
    """Delete the account at a remote identity service, where the forge may. Raises IdentityError."""
    service = supabase_service()
    if service is not None and settings.SUPABASE_SERVICE_KEY:
        service.delete_user(user_id)
