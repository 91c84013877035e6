from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from builds.models import Build


class SeenMessage(models.Model):
    """The id of a received message, kept for as long as its timestamp would still be accepted."""

    webhook_id = models.CharField(max_length=120, unique=True)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[models.Manager[SeenMessage]] = models.Manager()

    def __str__(self) -> str:
        return self.webhook_id

    @classmethod
    def add(cls, webhook_id: str) -> bool:
        """Record an id; return False when it was recorded before."""
        return cls.objects.get_or_create(webhook_id=webhook_id)[1]

    @classmethod
    def prune(cls, before: datetime) -> int:
        """Delete the ids recorded before a time and return their number."""
        return cls.objects.filter(seen_at__lt=before).delete()[0]


class RemoteJob(models.Model):
    """One target of a build, requested from a remote builder; see remote/build.py for its states."""

    class State(models.TextChoices):
        OPEN = "open"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        # The forge no longer waits: it refuses further messages, which makes the builder stop.
        GIVEN_UP = "given up"

    key = models.UUIDField(default=uuid.uuid4, unique=True)
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="remote_jobs")
    target = models.CharField(max_length=40)
    builder = models.CharField(max_length=120)
    # The job's number at the builder, once the builder has accepted it.
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
    """One chunk of a remote job's log, kept until the build is finished."""

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
    """A file of a remote job, of which `received` bytes have arrived."""

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
    """Some bytes of a file, kept until the build is finished.

    They are in the database because the web processes that receive two pieces may run on different machines,
    and because the bytes and the acknowledged offset must be committed together.
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
