"""Builds, their targets, files and verifications."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet
from configs.models import Revision

# The default target: a plugin for this machine, and its host.
PLUGIN = "plugin"


class BuildStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


def default_targets() -> list[str]:
    return [PLUGIN]


class Build(models.Model):
    """One build of a revision for one or several targets, from its job to its artifacts."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="builds")
    # Indexed below.
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="builds", db_index=False)
    # Names in compiler.targets, in that registry's order; each has a BuildTarget.
    targets = models.JSONField(default=default_targets)
    status = models.CharField(max_length=20, choices=BuildStatus, default=BuildStatus.QUEUED)
    job_id = models.BigIntegerField(null=True, blank=True)
    # The position in the queue (see builds.queue.fairness), kept when the build has to start again.
    turn = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    # The preferred builder: `local`, a remote builder's name, or empty.
    wanted_builder = models.CharField(max_length=120, blank=True)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # When the files may expire (None: never) unless pinned, when they expired, and what they were.
    expires_at = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(default=False)
    expired_at = models.DateTimeField(null=True, blank=True)
    expired_files = models.JSONField(default=dict, blank=True)

    SHOWN_IF: ClassVar = {"revision__agent__trashed_at": None}
    objects: ClassVar[models.Manager[Build]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["owner", "-id"], name="builds_build_owner"),
            models.Index(fields=["revision", "-id"], name="builds_build_revision"),
            models.Index(fields=["owner", "-turn"], name="builds_build_owner_turn"),
            models.Index(
                fields=["-turn"], name="builds_build_begun", condition=models.Q(started_at__isnull=False)
            ),
            models.Index(
                fields=["status", "turn", "id"],
                name="builds_build_open",
                condition=models.Q(status__in=("queued", "running")),
            ),
            models.Index(
                fields=["expires_at"],
                name="builds_build_expires",
                condition=models.Q(expired_at__isnull=True, pinned=False),
            ),
        )

    def __str__(self) -> str:
        return f"build {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("builds:detail", args=[self.pk])

    @property
    def stream_name(self) -> str:
        return f"build-{self.pk}"

    @property
    def from_cache(self) -> bool:
        """Return whether nothing was compiled because every target's files existed already."""
        cached = [each.from_cache for each in self.per_target.all()]
        return bool(cached) and all(cached)


class BuildTarget(models.Model):
    """The result of one build for one target."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="per_target")
    target = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=BuildStatus, default=BuildStatus.QUEUED)
    input_digest = models.CharField(max_length=64, blank=True)
    from_cache = models.BooleanField(default=False)
    # `local` or a remote builder's name, and why it was chosen.
    builder = models.CharField(max_length=120, blank=True)
    builder_reason = models.CharField(max_length=500, blank=True)
    sandbox = models.CharField(max_length=40, blank=True)
    toolchain = models.JSONField(default=dict)
    steps = models.JSONField(default=list)
    exit_code = models.IntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"build__revision__agent__trashed_at": None}
    objects: ClassVar[models.Manager[BuildTarget]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["build", "target"], name="builds_buildtarget_once"),)
        indexes = (
            models.Index(
                fields=["input_digest"],
                name="builds_buildtarget_input",
                condition=models.Q(status="succeeded"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.target} of build {self.build_id}"


class Artifact(models.Model):
    """One file of a build; its bytes are stored once, under their sha256."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="artifacts")
    target = models.CharField(max_length=40, default=PLUGIN)
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    SHOWN_IF: ClassVar = {"build__revision__agent__trashed_at": None}
    objects: ClassVar[models.Manager[Artifact]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["build", "target", "name"], name="builds_artifact_path"),
        )
        indexes = (
            models.Index(fields=["sha256"], name="builds_artifact_sha256"),
            # The administration's choice of dates.
            models.Index(fields=["created_at"], name="builds_artifact_created"),
        )

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        """Return the path among a build's files; only the plugin's are not in a directory of their target."""
        return self.name if self.target == PLUGIN else f"{self.target}/{self.name}"


class StoredFile(models.Model):
    """A content-addressed file, shared by the artifacts of any owner.

    Callers lease it before using the bytes (`used_at`; see artifacts.leases), which keeps them from pruning.
    """

    sha256 = models.CharField(primary_key=True, max_length=64)
    used_at = models.DateTimeField(default=timezone.now)
    # When a shared storage was found to hold these bytes, and the URL of an unfinished upload to it.
    checked_at = models.DateTimeField(null=True, blank=True)
    upload_url = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=["used_at"], name="builds_storedfile_used"),)

    def __str__(self) -> str:
        return self.sha256


class BuildVerification(models.Model):
    """One attempt to reproduce a build's files in another directory with an empty cache."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SAME = "same", "The same"
        DIFFERENT = "different", "Different"
        FAILED = "failed", "Failed"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="verifications")
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    job_id = models.BigIntegerField(null=True, blank=True)
    # The differences as messages, one per file.
    findings = models.JSONField(default=list)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"build__revision__agent__trashed_at": None}
    objects: ClassVar[models.Manager[BuildVerification]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(
                fields=["id"],
                name="builds_verification_open",
                condition=models.Q(status__in=("queued", "running")),
            ),
        )

    def __str__(self) -> str:
        return f"verification {self.pk}"

    @property
    def stream_name(self) -> str:
        return f"verification-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)
