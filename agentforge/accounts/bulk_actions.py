"""Operators' actions on accounts; each is logged and returns the number of accounts changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from . import roles, session_revocation
from .models import LocalSession, Role, User


def operators_assign_roles() -> bool:
    """Return whether roles are assigned here; a Supabase project keeps them in its users' app_metadata."""
    return not settings.SUPABASE_URL


def disable(users: Iterable[User], by: User) -> int:
    """Sign users out and block them at once; nobody can disable their own account."""
    return _each(users, by, lambda user: user.is_active and user.pk != by.pk, _disable)


def enable(users: Iterable[User], by: User) -> int:
    """Unblock disabled users."""
    return _each(users, by, lambda user: not user.is_active, _enable)


def end_sessions(users: Iterable[User], by: User) -> int:
    """Sign users out of all their browsers and scripts."""
    return _each(users, by, lambda user: True, _end_sessions)


def assign_role(users: Iterable[User], role: Role, by: User) -> int:
    """Assign a role to local accounts; nobody can change their own, so an operator always remains."""
    return _each(
        users,
        by,
        lambda user: operators_assign_roles() and user.pk != by.pk and roles.of(user) != role,
        lambda user, by: roles.assign(user, role),
    )


def _each(
    users: Iterable[User], by: User, wanted: Callable[[User], bool], do: Callable[[User, User], None]
) -> int:
    count = 0
    for user in users:
        if wanted(user):
            with transaction.atomic():
                do(user, by)
            count += 1
    return count


def _disable(user: User, by: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])
    record(Action.ACCOUNT_DISABLED, owner=user, actor=by, subject=user)
    _end_sessions(user, by)


def _enable(user: User, by: User) -> None:
    user.is_active = True
    user.save(update_fields=["is_active"])
    record(Action.ACCOUNT_ENABLED, owner=user, actor=by, subject=user)


def _end_sessions(user: User, by: User) -> None:
    session_revocation.end_sessions_of(user.pk)
    # The local identity service's; with Supabase there are none.
    LocalSession.objects.filter(identity_id=user.pk).delete()
    record(Action.SESSIONS_ENDED, owner=user, actor=by, subject=user)
