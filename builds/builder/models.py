from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Job(models.Model):
    """A job that a forge requested from this builder; see job_store.py for its states."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        # The compiler has finished or was killed; the delivery to the forge may be incomplete.
        ENDED = "ended"
        # The forge has everything, or no longer wants the job.
        CLOSED = "closed"

    class Result(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    # Chosen by the forge: repeated requests refer to the same job.
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
    """A numbered message for the forge, kept until the forge has it."""

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
