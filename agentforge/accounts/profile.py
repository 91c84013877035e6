"""What the identity service says about a user, kept up to date here.

Role and address come from verified access tokens. Older tokens stay valid for an hour and still carry what
was true then, so they change nothing: the newest token decides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from . import roles
from .models import DIGEST_LENGTH, User


@dataclass(frozen=True, slots=True)
class _Source:
    """The token that claims come from."""

    issued_at: datetime
    digest: str

    def decides(self, user: User) -> bool:
        """Return whether no newer token has been seen of a user.

        `iat` is in whole seconds. Of several tokens of one second, the one that was first seen last decides.
        """
        if user.claims_issued_at is None or self.issued_at > user.claims_issued_at:
            return True
        superseded = (user.claims_digests or [])[:-1]
        return self.issued_at == user.claims_issued_at and self.digest not in superseded

    def is_known(self, user: User) -> bool:
        """Return whether this token has decided before."""
        return self.digest in (user.claims_digests or [])[-1:]


def follow(claims: dict[str, Any], access_token: str, *, user: User | None = None) -> User:
    """Return the user of verified claims, created on first sight; update address and role unless outdated."""
    digest = hashlib.sha256(access_token.encode()).hexdigest()[:DIGEST_LENGTH]
    source = _Source(datetime.fromtimestamp(claims["iat"], UTC), digest)
    user = user or User.objects.filter(pk=claims["sub"]).first()
    if user is None or (source.decides(user) and not source.is_known(user)):
        return _follow_new(claims, source)
    if source.decides(user):
        _update(user, claims, source)
    return user


@transaction.atomic
def _follow_new(claims: dict[str, Any], source: _Source) -> User:
    user = User.objects.select_for_update().filter(pk=claims["sub"]).first()
    if user is None:
        user = User.objects.create_for_identity(
            user_id=UUID(claims["sub"]), email=claims.get("email", ""), as_of=source.issued_at
        )
    if source.decides(user):
        _update(user, claims, source)
        earlier = (user.claims_digests or []) if user.claims_issued_at == source.issued_at else []
        user.claims_digests = [*earlier, source.digest]
        user.claims_issued_at = source.issued_at
        user.save(update_fields=["claims_issued_at", "claims_digests"])
    return user


def _update(user: User, claims: dict[str, Any], source: _Source) -> None:
    User.objects.follow_address(user, claims.get("email", ""), as_of=source.issued_at)
    roles.follow(user, claims)
    if user.is_guest and claims.get("email") and not claims.get("is_anonymous"):
        user.guest_until, user.guest_address = None, ""
        user.save(update_fields=["guest_until", "guest_address"])
        record(Action.GUEST_KEPT, owner=user, actor=user, email=user.email)


def update_second_factor(user: User, enrolled: bool | None) -> None:
    """Store whether a user has a second factor; None if the service does not say."""
    if enrolled is not None and enrolled != user.has_second_factor:
        user.has_second_factor = enrolled
        user.save(update_fields=["has_second_factor"])
        record(Action.SECOND_FACTOR_ON if enrolled else Action.SECOND_FACTOR_OFF, owner=user, actor=user)
