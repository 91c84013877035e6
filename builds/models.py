from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet
from configs.models import AgentConfig, Revision
from configs.providers import PROVIDERS

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
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="builds")
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
        indexes = (models.Index(fields=["sha256"], name="builds_artifact_sha256"),)

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

    def __str__(self) -> str:
        return f"verification {self.pk}"

    @property
    def stream_name(self) -> str:
        return f"verification-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)


class MessageStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    STREAMING = "streaming", "Answering"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


_FINISH_NOTES = {
    "length": "The answer was cut off at its length limit. Ask it to continue, or choose longer answers.",
    "approval": "The agent waits for your approval.",
    "tool_rounds": "The agent used all its tool rounds, so the answer may be incomplete.",
}


STOPPED = "Stopped. The answer so far is kept."


def finish_note(usage: Mapping[str, Any]) -> str:
    """Return a sentence on an answer that may be incomplete; empty for a complete one."""
    finish, reason = usage.get("finish"), usage.get("reason")
    if not finish:
        return ""
    unknown = f"The model stopped for an unknown reason ({reason or finish}). The answer may be incomplete."
    return _FINISH_NOTES.get(finish, unknown)


def fallback_note(fallback: Mapping[str, str]) -> str:
    """Return a sentence on an answer that another provider gave than the first; empty if none did."""
    if not fallback:
        return ""
    code = fallback["provider"]
    label = PROVIDERS[code].label if code in PROVIDERS else code
    return f"{fallback['model']} of {label} answers, because the provider failed: {fallback['reason']}"


def _name_in(document: str) -> str:
    name: str = json.loads(document)["identity"]["name"]
    return name


class Conversation(models.Model):
    """A conversation with an agent's builds, called by its first question until somebody renames it."""

    TITLE_LENGTH = 80

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=TITLE_LENGTH)
    created_at = models.DateTimeField(default=timezone.now)
    # The time of its last question.
    active_at = models.DateTimeField(default=timezone.now)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[Conversation]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-active_at", "-pk")

    def __str__(self) -> str:
        return self.title


class ChatMessage(models.Model):
    """A message of an agent's trial chat; an answer also has tool calls, usage and network attempts."""

    class Role(models.TextChoices):
        USER = "user", "You"
        ASSISTANT = "assistant", "Agent"

    class Source(models.TextChoices):
        BUILD = "build", "Build"
        DRAFT = "draft", "Draft"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="chat_messages")
    build = models.ForeignKey(Build, null=True, on_delete=models.SET_NULL, related_name="+")
    # Without one: a message to the draft, or one of an earlier version; those belong to the newest.
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="messages"
    )
    # Who answers: the agent's builds, or its draft.
    source = models.CharField(max_length=20, choices=Source, default=Source.BUILD, db_default=Source.BUILD)
    # The canonical JSON of the draft as it was when it was asked, and its words: "revision 3 + changes".
    document = models.TextField(blank=True, default="", db_default="")
    edition = models.CharField(max_length=60, blank=True, default="", db_default="")
    role = models.CharField(max_length=20, choices=Role)
    status = models.CharField(max_length=20, choices=MessageStatus, default=MessageStatus.DONE)
    content = models.TextField(blank=True)
    tool_calls = models.JSONField(default=list)
    citations = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    usage = models.JSONField(default=dict)
    network = models.JSONField(default=list)
    error = models.TextField(blank=True)
    # The calls that wait for a person ("asked"), what the agent needs to go on ("state"), and, until a worker
    # takes it, the answer to one of them ("answers").
    approval = models.JSONField(default=dict, blank=True, db_default={})
    # How long the agent took, by its own clock; unknown while it answers, and when it failed.
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True)
    job_id = models.BigIntegerField(null=True, blank=True)
    # The position of the agent's stream before the question: an unfinished answer is read from there.
    stream_seq = models.BigIntegerField(default=0)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[ChatMessage]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=["agent", "id"], name="builds_chat_agent"),)

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def speaker(self) -> str:
        """Return who answered, with the name that the agent had then; empty once the build is gone."""
        if self.role == self.Role.USER:
            return ""
        if self.document:
            return f"{_name_in(self.document)}, draft" + (f" ({self.edition})" if self.edition else "")
        if self.build is None:
            return ""
        return f"{_name_in(self.build.revision.canonical_json)}, build {self.build_id}"

    @property
    def fallback_note(self) -> str:
        """Return that another provider answered than the first, and why; empty if none did."""
        return fallback_note(self.usage.get("fallback", {}))

    @property
    def waiting_calls(self) -> list[dict[str, Any]]:
        """Return the calls that wait for a person, of an answer that has come so far."""
        asked = self.approval.get("asked", []) if self.status == MessageStatus.DONE else []
        return list(asked)

    @property
    def note(self) -> str:
        """Return why the answer may be incomplete; empty for a complete one."""
        return finish_note(self.usage)

    @property
    def is_finished(self) -> bool:
        return self.status in (MessageStatus.DONE, MessageStatus.FAILED)

    @property
    def is_stopped(self) -> bool:
        """Return whether somebody stopped the answer, which is no failure."""
        return self.status == MessageStatus.FAILED and self.error == STOPPED


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
    job_id = models.BigIntegerField(null=True, blank=True)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[EvaluationRun]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"evaluation run {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("builds:evaluation_run", args=[self.agent_id, self.pk])

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)
