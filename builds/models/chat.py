"""The chats with an agent's builds and with its draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet
from configs.models import AgentConfig
from configs.providers import PROVIDERS

from .build import Build


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
_STOPPED_BEFORE = "Stopped before it answered."


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


class ChatSource(models.TextChoices):
    """Who answers in a chat: the agent's builds, or its draft."""

    BUILD = "build", "Build"
    DRAFT = "draft", "Draft"


class Conversation(models.Model):
    """A conversation with an agent, called by its first question until somebody renames it."""

    TITLE_LENGTH = 80

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="conversations")
    source = models.CharField(
        max_length=20, choices=ChatSource, default=ChatSource.BUILD, db_default=ChatSource.BUILD
    )
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

    Source = ChatSource

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="chat_messages")
    build = models.ForeignKey(Build, null=True, on_delete=models.SET_NULL, related_name="+")
    # Without one: a message of an earlier version, which belongs to the newest.
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="messages"
    )
    source = models.CharField(max_length=20, choices=Source, default=Source.BUILD, db_default=Source.BUILD)
    # The canonical JSON of the draft as it was when it was asked, and its words: "revision 3 + changes".
    document = models.TextField(blank=True, default="", db_default="")
    edition = models.CharField(max_length=60, blank=True, default="", db_default="")
    role = models.CharField(max_length=20, choices=Role)
    status = models.CharField(max_length=20, choices=MessageStatus, default=MessageStatus.DONE)
    content = models.TextField(blank=True)
    # How many images a question has; ChatImage has them.
    images = models.PositiveSmallIntegerField(default=0, db_default=0)
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
        indexes = (
            models.Index(fields=["agent", "id"], name="builds_chat_agent"),
            models.Index(
                fields=["agent", "id"],
                name="builds_chat_unfinished",
                condition=models.Q(status__in=("queued", "streaming")),
            ),
            # An agent's newest answer, which its step Try tells of.
            models.Index(
                fields=["agent", "id"],
                name="builds_chat_answered",
                condition=models.Q(source="build", role="assistant", status="done"),
            ),
        )

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
    def image_numbers(self) -> range:
        return range(self.images)

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

    @property
    def stopped_words(self) -> str:
        """Return what became of a stopped answer: of one that had not begun, nothing is kept."""
        return self.error if self.content else _STOPPED_BEFORE


class AnswerFiles(models.Model):
    """What the tools of an agent had in their directory after an answer: an archive that only it opens."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    message = models.OneToOneField(ChatMessage, on_delete=models.CASCADE, related_name="files")
    content = models.BinaryField()

    SHOWN_IF: ClassVar = {"message__agent__trashed_at": None}
    objects: ClassVar[models.Manager[AnswerFiles]] = OwnedQuerySet.as_manager()

    def __str__(self) -> str:
        return f"files after answer {self.message_id}"


class ChatImage(models.Model):
    """An image of a question, the number of those before it, and its type by its first bytes."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(ChatMessage, on_delete=models.CASCADE, related_name="pictures")
    number = models.PositiveSmallIntegerField()
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()

    SHOWN_IF: ClassVar = {"message__agent__trashed_at": None}
    objects: ClassVar[models.Manager[ChatImage]] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["message", "number"], name="builds_chatimage_number"),)

    def __str__(self) -> str:
        return f"image {self.number} of question {self.message_id}"
