"""What the builds app stores."""

from __future__ import annotations

from .build import (
    PLUGIN,
    Artifact,
    Build,
    BuildStatus,
    BuildTarget,
    BuildVerification,
    StoredFile,
    default_targets,
)
from .chat import (
    STOPPED,
    AnswerFiles,
    ChatImage,
    ChatMessage,
    ChatSource,
    Conversation,
    MessageStatus,
    fallback_note,
    finish_note,
)
from .evaluation import Evaluation, EvaluationRun

__all__ = [
    "PLUGIN",
    "STOPPED",
    "AnswerFiles",
    "Artifact",
    "Build",
    "BuildStatus",
    "BuildTarget",
    "BuildVerification",
    "ChatImage",
    "ChatMessage",
    "ChatSource",
    "Conversation",
    "Evaluation",
    "EvaluationRun",
    "MessageStatus",
    "StoredFile",
    "default_targets",
    "fallback_note",
    "finish_note",
]
