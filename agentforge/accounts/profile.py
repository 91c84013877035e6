"""What the identity service says about a user, kept up to date here."""

from __future__ import annotations

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .models import User


def update_second_factor(user: User, enrolled: bool | None) -> None:
    """Store whether a user has a second factor; None if the service does not say."""
    if enrolled is not None and enrolled != user.has_second_factor:
        user.has_second_factor = enrolled
        user.save(update_fields=["has_second_factor"])
        record(Action.SECOND_FACTOR_ON if enrolled else Action.SECOND_FACTOR_OFF, owner=user, actor=user)
