from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from agentforge.tenancy.querysets import OwnedQuerySet
from configs.models import AgentConfig, Revision


class BuildStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Build(models.Model):
    """Follow one compilation of a revision from its job to its artifacts."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="builds")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="builds")
    target = models.CharField(max_length=40, default="plugin")
    status = models.CharField(max_length=20, choices=BuildStatus, default=BuildStatus.QUEUED)
    job_id = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    input_digest = models.CharField(max_length=64, blank=True)
    from_cache = models.BooleanField(default=False)
    sandbox = models.CharField(max_length=40, blank=True)
    toolchain = models.JSONField(default=dict)
    steps = models.JSONField(default=list)
    exit_code = models.IntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Build]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["owner", "-id"], name="builds_build_owner"),
            models.Index(
                fields=["input_digest"],
                name="builds_build_input",
                condition=models.Q(status="succeeded"),
            ),
        )

    def __str__(self) -> str:
        return f"build {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("builds:detail", args=[self.pk])

    @property
    def stream_name(self) -> str:
        return f"build-{self.pk}"


class Artifact(models.Model):
    """Name one file of a build; its bytes lie once in storage, under their sha256."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Artifact]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["build", "name"], name="builds_artifact_build_name"),)
        indexes = (models.Index(fields=["sha256"], name="builds_artifact_sha256"),)

    def __str__(self) -> str:
        return self.name


class MessageStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    STREAMING = "streaming", "Answering"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class ChatMessage(models.Model):
    """Hold one message of an agent's trial chat; an answer also holds its tool calls and usage."""

    class Role(models.TextChoices):
        USER = "user", "You"
        ASSISTANT = "assistant", "Agent"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="chat_messages")
    build = models.ForeignKey(Build, null=True, on_delete=models.SET_NULL, related_name="+")
    role = models.CharField(max_length=20, choices=Role)
    status = models.CharField(max_length=20, choices=MessageStatus, default=MessageStatus.DONE)
    content = models.TextField(blank=True)
    tool_calls = models.JSONField(default=list)
    usage = models.JSONField(default=dict)
    network = models.JSONField(default=list)
    error = models.TextField(blank=True)
    job_id = models.BigIntegerField(null=True, blank=True)
    # Where the agent's stream stood when this was asked: an answer that is still coming is read from there.
    stream_seq = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[ChatMessage]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=["agent", "id"], name="builds_chat_agent"),)

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"
