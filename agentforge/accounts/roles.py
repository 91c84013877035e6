"""Operators' roles, named by the Supabase project or assigned here."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .models import Role, User

CLAIM = "agentforge_role"


def follow(user: User, claims: dict[str, Any]) -> None:
    """Update a user's role from their verified claims; it is removed when the claims no longer name it.

    Only `app_metadata` counts: users can write their own `user_metadata`. A role from `createsuperuser` or
    another operator is kept as long as the claims never named one.
    """
    if not settings.SUPABASE_URL:
        return
    metadata = claims.get("app_metadata")
    named = metadata.get(CLAIM) if isinstance(metadata, dict) else None
    role = Role(named) if named in Role.values else Role.NONE
    if role != user.role:
        assign(user, role, by="the identity service")


@transaction.atomic
def assign(user: User, role: Role, *, by: str = "an operator") -> None:
    """Set a user's role, with exactly its permissions in the administration."""
    user.role = role
    user.is_staff = role != Role.NONE
    user.is_superuser = role == Role.OPERATOR
    user.save(update_fields=["role", "is_staff", "is_superuser"])
    record(Action.ROLE_CHANGED, owner=user, role=role.value or "none", by=by)


def of(user: User) -> Role:
    """Return a user's role; superusers made by `createsuperuser` are operators too."""
    return Role.OPERATOR if user.is_superuser else Role(user.role)
