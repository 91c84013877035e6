from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Job(models.Model):
    """Follow what a forge asked this builder for, until the forge has everything of it."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        # The compiler is done or dead; what is left is to tell the forge.
        ENDED = "ended"
        # The forge has everything, or wants nothing of it any more.
        CLOSED = "closed"

    class Result(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    # The forge's name of it: asked for twice, it is still one job.
    key = models.UUIDField(unique=True)
    build = models.BigIntegerField()
    target = models.CharField(max_length=40)
    document = models.TextField()
    sources = models.CharField(max_length=64)
    toolchain = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    result = models.CharField(max_length=20, choices=Result, blank=True)
    cancel_asked = models.BooleanField(default=False)
    job_id = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Job]] = models.Manager()

    class Meta:
        ordering = ("pk",)
        indexes = (
            models.Index(fields=["id"], name="builder_service_open", condition=~models.Q(state="closed")),
        )

    def __str__(self) -> str:
        return f"{self.target} of build {self.build}"


class Entry(models.Model):
    """Hold one numbered message for the forge, until the forge has it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="entries")
    sequence = models.PositiveIntegerField()
    content = models.JSONField()

    objects: ClassVar[models.Manager[Entry]] = models.Manager()

    class Meta:
        ordering = ("sequence",)
        constraints = (
            models.UniqueConstraint(fields=["job", "sequence"], name="builder_service_entry_once"),
        )

    def __str__(self) -> str:
        return f"entry {self.sequence} of {self.job_id}"
