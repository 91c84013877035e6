from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet


class FileState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    READING = "reading", "Reading"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    # Named by an imported document; its owner has still to add it.
    MISSING = "missing", "Missing"


class KnowledgeFile(models.Model):
    """A file that an agent's draft knows, by the sha256 (hex) of its bytes and of its extracted text."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey("configs.AgentConfig", on_delete=models.CASCADE, related_name="knowledge_files")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=20, choices=FileState, default=FileState.QUEUED)
    # Why it failed, or what its owner should know of a file that is ready.
    detail = models.CharField(max_length=500, blank=True)
    text_sha256 = models.CharField(max_length=64, blank=True)
    text_size = models.PositiveIntegerField(default=0)
    passages = models.PositiveIntegerField(default=0)
    job_id = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[KnowledgeFile]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(fields=["agent", "name"], name="configs_knowledgefile_agent_name"),
        )
        indexes = (
            models.Index(
                fields=["id"],
                name="configs_knowledge_unread",
                condition=models.Q(state__in=("queued", "reading")),
            ),
        )

    def __str__(self) -> str:
        return self.name


class KnowledgeBlob(models.Model):
    """Content of an agent by its sha256 (hex): a file's bytes, or the text that was extracted from one.

    It stays while the draft or a revision names it, and goes with its agent.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey("configs.AgentConfig", on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    size = models.PositiveIntegerField()

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[KnowledgeBlob]] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["agent", "sha256"], name="configs_knowledgeblob_agent_sha256"),
        )

    def __str__(self) -> str:
        return self.sha256[:12]
