"""What an agent keeps in its directory from one answer of a conversation to the next."""

from __future__ import annotations

from django.db import transaction

from builds.models import AnswerFiles, ChatMessage

from .conversations import conversation_of

# One to go on from, and the one before, for when the last answer is asked for again.
_KEPT = 2


def before(answer: ChatMessage) -> bytes:
    """Return what the agent's directory held before an answer, or before it waited for a person."""
    earlier = conversation_of(answer).filter(pk__lte=answer.pk)
    newest: AnswerFiles | None = (
        AnswerFiles.objects.filter(message__in=earlier).order_by("-message_id").first()
    )
    return bytes(newest.content) if newest else b""


def store(answer: ChatMessage, content: bytes) -> None:
    """Keep what the directory holds after an answer, unless its conversation was deleted meanwhile."""
    with transaction.atomic():
        if not ChatMessage.objects.select_for_update().filter(pk=answer.pk).exists():
            return
        AnswerFiles.objects.update_or_create(
            message=answer, defaults={"owner_id": answer.owner_id, "content": content}
        )
        kept = AnswerFiles.objects.filter(message__in=conversation_of(answer)).order_by("-message_id")
        newest = list(kept.values_list("pk", flat=True)[:_KEPT])
        kept.exclude(pk__in=newest).delete()
