"""The cases that an agent is held to, and their runs."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet
from configs.models import AgentConfig

from .build import Build


class Evaluation(models.Model):
    """The cases that an agent is held to, as their owner wrote them, and what hangs on them."""

    class Gate(models.TextChoices):
        OFF = "off", "Deploy anyway"
        WARN = "warn", "Warn before a deployment"
        BLOCK = "block", "Refuse a deployment"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.OneToOneField(AgentConfig, on_delete=models.CASCADE, related_name="evaluation")
    cases = models.TextField(blank=True)
    # What happens before a build is deployed that has not passed.
    gate = models.CharField(max_length=20, choices=Gate, default=Gate.OFF)
    updated_at = models.DateTimeField(auto_now=True)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[Evaluation]] = OwnedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"evaluation of agent {self.agent_id}"


class EvaluationRun(models.Model):
    """The cases as they were, asked of a build or of the draft, and what came of each trial."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        BROKEN = "broken", "Not finished"
        STOPPED = "stopped", "Stopped"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="evaluation_runs")
    # Who answered: a build, or the draft whose canonical JSON is in `document`.
    build = models.ForeignKey(Build, null=True, on_delete=models.SET_NULL, related_name="evaluation_runs")
    document = models.TextField(blank=True)
    subject = models.CharField(max_length=80)
    cases = models.TextField()
    # By case: its name and its trials (see evaluation.results).
    results = models.JSONField(default=list)
    # Trials to make.
    trials = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    error = models.TextField(blank=True)
    # What providers answered (evaluation.tape), and its size; of the newest runs, and only of whole ones. It
    # is large: lists defer it.
    recording = models.BinaryField(null=True)
    recording_size = models.PositiveIntegerField(default=0, db_default=0)
    # The number of the run whose recording answered, in the place of providers.
    replayed = models.PositiveBigIntegerField(null=True, blank=True)
    job_id = models.BigIntegerField(null=True, blank=True)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[EvaluationRun]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(
                fields=["id"],
                name="builds_evaluation_open",
                condition=models.Q(status__in=("queued", "running")),
            ),
        )

    def __str__(self) -> str:
        return f"evaluation run {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("builds:evaluation_run", args=[self.agent_id, self.pk])

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)
