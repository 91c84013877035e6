"""The room for what people's chats keep beside words: images of questions, and files of tools."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Length

from builds.compiler import sandbox
from builds.errors import NotPossible
from builds.models import AnswerFiles, ChatImage

from .agent_directory import keeps_files

_MB = 1_000_000


def refuse_full(owner_id: UUID, document: str, pictures: Sequence[bytes]) -> None:
    """Raise NotPossible for a question whose images, or the files of whose answer, have no room left."""
    needed = sum(map(len, pictures)) + (sandbox.MIB if keeps_files(document) else 0)
    if needed and _used_by(owner_id) + needed > settings.MOST_CHAT_FILES_MB * _MB:
        raise NotPossible(
            f"The images and files in all your chats together may have {settings.MOST_CHAT_FILES_MB} MB. "
            "Nothing was sent. Delete conversations that you no longer need, or agents, also from the trash."
        )


def _used_by(owner_id: UUID) -> int:
    """Return the bytes of an owner's images and files."""
    total = 0
    for model in (ChatImage, AnswerFiles):
        rows = model.objects.filter(owner_id=owner_id)
        total += rows.aggregate(bytes=Sum(Length("content")))["bytes"] or 0
    return total
