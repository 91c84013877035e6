"""Make operators of those whom the Supabase project names so."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .models import Role, User

CLAIM = "agentforge_role"


def follow(user: User, claims: dict[str, Any]) -> None:
    """Give a user the role of their verified claims, and take it when the claims stop naming it.

    Only `app_metadata` counts: users write their `user_metadata` themselves. What `createsuperuser` or
    another operator gave stays, as long as the claims never named a role.
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
    """Let a user do in the administration what a role may, and nothing else there."""
    user.role = role
    user.is_staff = role != Role.NONE
    user.is_superuser = role == Role.OPERATOR
    user.save(update_fields=["role", "is_staff", "is_superuser"])
    record(Action.ROLE_CHANGED, owner=user, role=role.value or "none", by=by)


def of(user: User) -> Role:
    """Return what a user may do in the administration; `createsuperuser` makes operators without a role."""
    return Role.OPERATOR if user.is_superuser else Role(user.role)
