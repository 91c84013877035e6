from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet

from .choices import AgentType, CommunicationStyle, KeyStatus, Preset, ResponseLength, RunStatus, Tone
from .knowledge.models import FileState, KnowledgeBlob, KnowledgeFile

__all__ = [
    "AgentConfig",
    "AgentInTrash",
    "ApiKey",
    "FileState",
    "KnowledgeBlob",
    "KnowledgeFile",
    "ProcessRun",
    "Revision",
    "lock_agent",
    "refuse_trashed",
]

DEFAULT_KEY_NAME = "Default"


class AgentConfig(models.Model):
    """An agent's draft, as last saved by the wizard's tabs."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="agents")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    # Out of the list, but otherwise as before.
    archived_at = models.DateTimeField(null=True, blank=True)
    # In the trash (configs.trash): nobody sees or uses it, and it is deleted later.
    trashed_at = models.DateTimeField(null=True, blank=True)

    name = models.CharField(max_length=100)
    handle = models.SlugField(max_length=40)
    type = models.CharField(max_length=20, choices=AgentType, default=AgentType.ASSISTANT)
    description = models.CharField(max_length=500, blank=True)
    version = models.CharField(max_length=64, default="0.1.0")

    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=200, blank=True)
    # If None, or a key of another provider, the oldest of the provider's keys is used.
    api_key = models.ForeignKey(
        "ApiKey", null=True, blank=True, on_delete=models.SET_NULL, related_name="agents"
    )
    # Answers when the provider fails; both are empty if there is none.
    fallback_provider = models.CharField(max_length=40, blank=True, default="", db_default="")
    fallback_model = models.CharField(max_length=200, blank=True, default="", db_default="")

    preset = models.CharField(max_length=20, choices=Preset, default=Preset.BALANCED)
    traits = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    communication_style = models.CharField(
        max_length=20, choices=CommunicationStyle, default=CommunicationStyle.PLAIN
    )
    tone = models.CharField(max_length=20, choices=Tone, default=Tone.NEUTRAL)
    response_length = models.CharField(max_length=20, choices=ResponseLength, default=ResponseLength.BALANCED)
    creativity = models.DecimalField(max_digits=3, decimal_places=2, default=0.5)
    custom_instructions = models.TextField(max_length=4000, blank=True)

    memory = models.BooleanField(default=True)
    memory_turns = models.PositiveSmallIntegerField(default=10)
    # The most that a request has; None for no such window.
    memory_tokens = models.PositiveIntegerField(null=True, blank=True)
    tools = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    # By tool; permissions also by function.
    tool_settings = models.JSONField(default=dict, blank=True, db_default={})
    permissions = models.JSONField(default=dict, blank=True, db_default={})
    # Whether people may send images with their questions.
    images = models.BooleanField(default=False, db_default=False)
    # A JSON Schema as text, which keeps the order of its properties; empty for answers in words.
    answer_schema = models.TextField(blank=True, default="", db_default="")
    tool_rounds = models.PositiveSmallIntegerField(default=5)
    time_limit_seconds = models.PositiveSmallIntegerField(default=60)
    memory_limit_mb = models.PositiveIntegerField(default=512)
    # What a conversation and a day may use, in tokens and dollars; None for no limit.
    conversation_tokens = models.PositiveIntegerField(null=True, blank=True)
    conversation_cost = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    day_tokens = models.PositiveIntegerField(null=True, blank=True)
    day_cost = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)

    # The rows of knowledge_files in short, so that pages and revisions need not read them: a list of `name`,
    # `sha256`, `text` and `state`. Written by configs.knowledge alone.
    knowledge = models.JSONField(default=list, blank=True, db_default=models.Value([], models.JSONField()))
    knowledge_trusted = models.BooleanField(default=True, db_default=True)
    # As agent.json has them (configs.skills.entries).
    skills = models.JSONField(default=list, blank=True, db_default=models.Value([], models.JSONField()))

    SHOWN_IF: ClassVar = {"trashed_at": None}
    objects: ClassVar[models.Manager[AgentConfig]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-pk")
        constraints = (
            # An agent in the trash leaves its handle to others.
            models.UniqueConstraint(
                fields=["owner", "handle"],
                condition=models.Q(trashed_at=None),
                name="configs_agent_owner_handle",
            ),
            models.CheckConstraint(
                condition=models.Q(creativity__gte=0, creativity__lte=1), name="configs_agent_creativity"
            ),
        )
        indexes = (
            models.Index(fields=["owner", "-updated_at"], name="configs_agent_owner_updated"),
            models.Index(
                fields=["trashed_at"],
                name="configs_agent_trashed",
                condition=models.Q(trashed_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("configs:identity", args=[self.pk])

    @property
    def stream_name(self) -> str:
        return f"agent-{self.pk}"

    def values_of(self, names: Collection[str]) -> dict[str, Any]:
        """Return the values of these fields in a form that JSON can hold, a foreign key as its number."""
        fields = [field for field in self._meta.concrete_fields if field.name in names]
        return {field.name: _plain(getattr(self, field.attname)) for field in fields}

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Do nothing: forms check ranges and handles; Django would query the database for each value."""


def _plain(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return deepcopy(value)
    return value if value is None or isinstance(value, (str, bool, int)) else float(value)


class AgentInTrash(Http404):
    """The agent was moved to the trash in the meantime: for its owner it does not exist."""


def lock_agent(pk: int) -> AgentConfig:
    """Lock an agent's row until the transaction ends, as the service, before something is begun with it.

    Raises AgentInTrash.
    """
    agent: AgentConfig | None = AgentConfig.objects.select_for_update().filter(pk=pk, trashed_at=None).first()
    if agent is None:
        raise AgentInTrash(f"Agent {pk} was moved to the trash.")
    return agent


def refuse_trashed(pk: int) -> None:
    """Raise AgentInTrash if the agent is in the trash, without locking it."""
    if AgentConfig.objects.filter(pk=pk, trashed_at__isnull=False).exists():
        raise AgentInTrash(f"Agent {pk} was moved to the trash.")


class ApiKey(models.Model):
    """One of a user's keys for a provider, as ciphertext (law 3), with the outcome of its last test."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=60, default=DEFAULT_KEY_NAME)
    base_url = models.URLField(max_length=500, blank=True)
    ciphertext = models.BinaryField()
    last_four = models.CharField(max_length=4, blank=True)
    fingerprint = models.CharField(max_length=16, blank=True)
    status = models.CharField(max_length=20, choices=KeyStatus, default=KeyStatus.UNVERIFIED)
    status_detail = models.CharField(max_length=500, blank=True)
    models_offered = models.JSONField(default=list)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ms = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[ApiKey]] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "provider", "name"], name="configs_apikey_owner_provider_name"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.name} …{self.last_four}"


class ProcessRun(models.Model):
    """One run of *Check everything*: a step per tab, restored on reload."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=20, choices=RunStatus, default=RunStatus.QUEUED)
    steps = models.JSONField(default=list)
    job_id = models.BigIntegerField(null=True, blank=True)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[ProcessRun]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(
                fields=["id"],
                name="configs_processrun_active",
                condition=models.Q(status__in=("queued", "running")),
            ),
        )

    def __str__(self) -> str:
        return f"run {self.pk} of {self.agent_id}: {self.status}"


class Revision(models.Model):
    """An immutable configuration: canonical JSON and its sha256 (64 hex digits).

    `author` says who made it and with which API token, as it was then; `name` is what its owner calls it.
    """

    AUTHOR_LENGTH = 340
    NAME_LENGTH = 60

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    canonical_json = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    author = models.CharField(max_length=AUTHOR_LENGTH, blank=True, default="", db_default="")
    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="", db_default="")

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[Revision]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["agent", "number"], name="configs_revision_agent_number"),
            models.UniqueConstraint(fields=["agent", "sha256"], name="configs_revision_agent_sha256"),
        )

    def __str__(self) -> str:
        return f"revision {self.number}"
