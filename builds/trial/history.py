"""What an agent is sent of a conversation."""

from __future__ import annotations

from typing import Any

from builds.models import ChatMessage, MessageStatus

from . import images
from .conversations import conversation_of, newest_of

# An agent takes a request of 4 MiB, and a character has four bytes at most.
_MOST_SENT = 1_000_000


def history(answer: ChatMessage) -> list[dict[str, Any]]:
    """Return the messages to send to the agent: the finished exchanges, then the question."""
    rows = conversation_of(answer).filter(pk__lt=answer.pk)
    earlier = list(newest_of(rows, characters=_MOST_SENT).order_by("pk"))
    messages: list[dict[str, Any]] = []
    asked: list[ChatMessage] = []
    for question, reply in zip(earlier, [*earlier[1:], answer], strict=True):
        if question.role != ChatMessage.Role.USER:
            continue
        if reply.pk == answer.pk:
            messages.append({"role": "user", "content": question.content})
            asked.append(question)
        elif (
            reply.role == ChatMessage.Role.ASSISTANT
            and (reply.status == MessageStatus.DONE or reply.is_stopped)
            and reply.content
        ):
            messages.append({"role": "user", "content": question.content})
            messages.append({"role": "assistant", "content": reply.content})
            asked.append(question)
    # The agent keeps only as many exchanges as its memory setting allows, never more than this.
    messages, asked = messages[-101:], asked[-51:]
    places = [place for place, message in enumerate(messages) if message["role"] == "user"]
    pictured = {place: question for place, question in zip(places, asked, strict=True) if question.images}
    return images.with_images(messages, pictured)
