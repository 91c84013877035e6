from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from builds.models import Build


class SeenMessage(models.Model):
    """Remember the id of a signed message for as long as its time would still be accepted."""

    webhook_id = models.CharField(max_length=120, unique=True)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[models.Manager[SeenMessage]] = models.Manager()

    def __str__(self) -> str:
        return self.webhook_id

    @classmethod
    def take(cls, webhook_id: str) -> bool:
        """Take an id for good; False when it was taken before."""
        return cls.objects.get_or_create(webhook_id=webhook_id)[1]

    @classmethod
    def forget(cls, before: datetime) -> int:
        """Forget the ids that were taken before a time; return their number."""
        return cls.objects.filter(seen_at__lt=before).delete()[0]


class RemoteJob(models.Model):
    """Follow one target of a build that a remote builder was asked for."""

    class State(models.TextChoices):
        OPEN = "open"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        # The forge waits no longer: whatever still comes is refused, and the builder stops.
        GIVEN_UP = "given up"

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="remote_jobs")
    target = models.CharField(max_length=40)
    builder = models.CharField(max_length=120)
    # The builder's own number of it, once it was accepted.
    number = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    next_sequence = models.PositiveIntegerField(default=0)
    log_bytes = models.BigIntegerField(default=0)
    exit_code = models.IntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    fault = models.CharField(max_length=20, blank=True)
    toolchain = models.JSONField(default=dict)
    sandbox = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[RemoteJob]] = models.Manager()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["build", "target"], condition=Q(state="open"), name="remote_builders_one_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.target} of build {self.build_id} at {self.builder}"


class RemoteChunk(models.Model):
    """Hold one piece of a remote job's log, until the build is over."""

    job = models.ForeignKey(RemoteJob, on_delete=models.CASCADE, related_name="chunks")
    sequence = models.PositiveIntegerField()
    records = models.JSONField()

    objects: ClassVar[models.Manager[RemoteChunk]] = models.Manager()

    class Meta:
        ordering = ("sequence",)
        constraints = (
            models.UniqueConstraint(fields=["job", "sequence"], name="remote_builders_chunk_once"),
        )

    def __str__(self) -> str:
        return f"chunk {self.sequence} of {self.job_id}"


class RemoteFile(models.Model):
    """Follow the upload of one file: `received` bytes are here."""

    job = models.ForeignKey(RemoteJob, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    received = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager[RemoteFile]] = models.Manager()

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["job", "name"], name="remote_builders_file_once"),)

    def __str__(self) -> str:
        return self.name


class RemotePiece(models.Model):
    """Hold some bytes of a file, until the build is over.

    In the database, because the web process that takes a piece may run on another machine than the one that
    took the last, and because the bytes and the offset that is answered must be kept or lost together.
    """

    file = models.ForeignKey(RemoteFile, on_delete=models.CASCADE, related_name="pieces")
    offset = models.BigIntegerField()
    data = models.BinaryField()

    objects: ClassVar[models.Manager[RemotePiece]] = models.Manager()

    class Meta:
        ordering = ("offset",)
        constraints = (models.UniqueConstraint(fields=["file", "offset"], name="remote_builders_piece_once"),)

    def __str__(self) -> str:
        return f"{self.file_id} from {self.offset}"
