"""The images that go with questions: known by their first bytes, as the agent knows them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length

from builds.errors import NotPossible
from builds.models import ChatImage, ChatMessage

MOST = 8
MOST_BYTES = 5 * 1024 * 1024
# Of all images in a request: in base64, they leave room for the words in what an agent takes.
MOST_SENT = 9 * 1024 * 1024
_MOST_IN_REQUEST = 16
_LEFT_OUT = "(An image was here, which is no longer sent.)"


class InvalidImage(ValueError):
    """A file is no image that agents take; the message says why."""


def media_type(content: bytes) -> str:
    """Return the type of an image. Raises InvalidImage."""
    if len(content) > MOST_BYTES:
        raise InvalidImage(f"An image may have {MOST_BYTES // 1024 // 1024} MB; this one is larger.")
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    raise InvalidImage("This is not an image that agents take. Use a PNG, JPEG, GIF or WebP file.")


def refuse_unless_taken(document: str, images: Sequence[bytes]) -> None:
    """Raise NotPossible for images to an agent that takes none."""
    if images and not json.loads(document)["capabilities"].get("images"):
        raise NotPossible(
            "The agent takes no images. Allow them under Capabilities, with a model that takes them; a build "
            "has to be compiled again."
        )


def keep(question: ChatMessage, images: Iterable[bytes]) -> None:
    """Store the images of a question."""
    ChatImage.objects.bulk_create(
        ChatImage(
            owner_id=question.owner_id,
            message=question,
            number=number,
            media_type=media_type(content),
            content=content,
        )
        for number, content in enumerate(images)
    )


def of(question: ChatMessage) -> list[bytes]:
    """Return the images of a question."""
    if not question.images:
        return []
    rows = ChatImage.objects.filter(message=question).order_by("number")
    return [bytes(content) for content in rows.values_list("content", flat=True)]


def newest_in(questions: QuerySet[ChatMessage]) -> set[int]:
    """Return the keys of the newest images of questions: as many as have MOST_SENT bytes together."""
    images = ChatImage.objects.filter(message__in=questions.order_by()).annotate(size=Length("content"))
    rows = list(images.order_by("-message_id", "-number").values_list("pk", "size"))
    sums = accumulate(size for _, size in rows)
    return {pk for (pk, _), total in zip(rows, sums, strict=True) if total <= MOST_SENT}


def with_images(messages: list[dict[str, Any]], questions: Mapping[int, ChatMessage]) -> list[dict[str, Any]]:
    """Add to messages, by their place, the images of their questions: the newest, as many as fit."""
    room, count, fits = MOST_SENT, _MOST_IN_REQUEST, True
    for place in sorted(questions, reverse=True):
        # Older ones than the first that does not fit are not even read.
        contents = of(questions[place]) if fits else []
        room -= sum(len(content) for content in contents)
        count -= len(contents)
        fits = fits and room >= 0 and count >= 0
        if fits:
            encoded = [{"data": base64.b64encode(content).decode()} for content in contents]
            messages[place] = {**messages[place], "images": encoded}
        else:
            text = f"{messages[place]['content']}\n\n{_LEFT_OUT}"
            messages[place] = {**messages[place], "content": text}
    return messages
