from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from agentforge.formats import duration
from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet

from .actions import choices


class AuditEvent(models.Model):
    """Something that somebody did; append-only, which the database enforces.

    It appears in the log of `owner`, and only in the operators' if there is none. The rows it refers to may
    have been deleted, so the keys have no constraints, and the labels keep their names.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    actor_label = models.CharField("who", max_length=254, blank=True)
    action = models.CharField(max_length=40, choices=choices)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=40, blank=True)
    subject_label = models.CharField("what", max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    address = models.CharField("from", max_length=64, blank=True)
    request_id = request_id_field()
    created_at = models.DateTimeField("when", default=timezone.now, db_index=True)

    objects: ClassVar[models.Manager[AuditEvent]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["owner", "-id"], name="audit_event_owner"),
            models.Index(fields=["subject_kind", "subject_id"], name="audit_event_subject"),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.subject_label}".strip()

    @property
    def who(self) -> str:
        """Return who did it; without an actor or an address, a worker did it for the owner."""
        if self.actor_label:
            return self.actor_label
        return "somebody not signed in" if self.address else "the forge"

    @property
    def detail_words(self) -> str:
        return ", ".join(_in_words(name, value) for name, value in self.detail.items())


def _in_words(name: str, value: object) -> str:
    match value:
        case bool():
            return f"{name.replace('_', ' ')}: {'yes' if value else 'no'}"
        case int() if name == "ms":
            return f"took {duration(timedelta(milliseconds=value))}"
        case str() if name == "sha256":
            return f"sha256: {value[:12]}…"
    return f"{name.replace('_', ' ')}: {value}"
