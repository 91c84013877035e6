"""Write to the audit log."""

from __future__ import annotations

import logging
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction

from agentforge.tenancy import rls

from . import request_actor
from .actions import Action
from .models import AuditEvent
from .signals import event_recorded

logger = logging.getLogger("agentforge.audit")

Owner = AbstractBaseUser | UUID | str | None
Detail = str | int | float | bool | None


def record(
    action: Action,
    *,
    owner: Owner,
    actor: AbstractBaseUser | None = None,
    subject: models.Model | None = None,
    **detail: Detail,
) -> None:
    """Log an action, in the caller's transaction.

    `owner` is the user whose log it appears in; None for operators only. `actor` is who did it, by default
    the user of the current request. `detail` must not contain secrets: the owner and operators can read it.
    """
    request = request_actor.current_actor()
    actor = actor or request.user
    with rls.as_service():
        event = AuditEvent.objects.create(
            owner_id=_id(owner),
            actor_id=actor.pk if actor else None,
            actor_label=str(actor or "")[:254],
            action=action,
            address=request.address[:64],
            detail=detail,
            **_subject_fields(subject),
        )
    if event.owner_id is not None:
        event_recorded.send(sender=AuditEvent, owner_id=event.owner_id)
    _log(event)


def _log(event: AuditEvent) -> None:
    """Log an action after its commit, by the ids of who and what: names and addresses of people stay here."""
    what = f" {event.subject_kind} {event.subject_id}" if event.subject_kind else ""
    who = {"user": str(event.actor_id)} if event.actor_id else {}
    extra = {"action": event.action, **who}
    words = f"{event.get_action_display()}:{what}" if what else event.get_action_display()
    transaction.on_commit(lambda: logger.info("%s", words, extra=extra))


def _id(owner: Owner) -> UUID | None:
    if isinstance(owner, AbstractBaseUser):
        user_id: UUID = owner.pk
        return user_id
    return UUID(owner) if isinstance(owner, str) else owner


def _subject_fields(subject: models.Model | None) -> dict[str, str]:
    if subject is None:
        return {}
    return {
        "subject_kind": str(subject._meta.model_name),
        "subject_id": str(subject.pk)[:40],
        "subject_label": str(subject)[:200],
    }
