"""Append-only streams of records, numbered from 1, readable from any position."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from agentforge.tenancy.rls import as_service

from . import log, records
from .models import Chunk, Stream

# Wire ids list `name:seq` with commas between, so a name holds neither.
NAME = re.compile(r"[a-z][a-z0-9-]{0,79}")
# The most streams that are deleted in one transaction.
_PORTION = 500


def create_stream(name: str, owner_id: UUID) -> None:
    """Create an empty stream; it must not exist.

    Raises ValueError for a name that is not lower-case letters, digits and hyphens (1-80).
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't name a stream: lower-case letters, digits and hyphens only.")
    with as_service():
        Stream.objects.create(name=name, owner_id=owner_id)


def publish(name: str, *new: dict[str, Any], epoch: int | None = None) -> int:
    """Append records as one chunk in the caller's transaction and return the last one's sequence number.

    The stream stays locked for other writers until that transaction ends, and viewers see the records when
    it commits. Records are {"kind": ..., ...}; `t` is added. Without records nothing changes. `epoch` begins
    a new epoch with them: StreamWriters of another one append nothing from then on.
    Raises StreamMissing, StreamClosed, or ValueError for an unusable record.
    """
    return _append(name, new, epoch=epoch) if new else position(name)


def close_stream(name: str, *last: dict[str, Any]) -> int:
    """Append the last records and {"kind": "end"}, and close the stream, once; return its last number.

    On a closed stream nothing changes. Raises StreamMissing.
    """
    try:
        return _append(name, (*last, {"kind": "end"}), closing=True)
    except log.StreamClosed:
        return position(name)


def read(name: str, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (sequence number, record) after `after`, to the stream's current end or up to `limit` records.

    Raises StreamMissing.
    """
    left = limit
    while left is None or left > 0:
        page = _page(name, after)
        for chunk in page.chunks:
            for seq, record in chunk.records_after(after)[:left]:
                yield seq, record
                left = None if left is None else left - 1
            after = chunk.last
        if after >= page.last_seq or not page.chunks:
            return


def chunks(name: str, after: int = 0) -> Iterator[log.LoggedChunk]:
    """Yield the chunks with records after `after`, to the stream's current end.

    Raises StreamMissing.
    """
    while True:
        page = _page(name, after)
        for chunk in page.chunks:
            yield chunk
            after = chunk.last
        if after >= page.last_seq or not page.chunks:
            return


def chunks_ending(name: str, ends: Sequence[int]) -> list[log.LoggedChunk]:
    """Return the chunks whose last records have these sequence numbers, in order."""
    with as_service():
        rows = Chunk.objects.filter(stream_id=name, last_seq__in=ends).order_by("last_seq")
        return [chunk.logged() for chunk in rows]


def position(name: str) -> int:
    """Return the sequence number of a stream's newest record, 0 for an empty stream.

    Raises StreamMissing.
    """
    with as_service():
        last_seq = Stream.objects.filter(pk=name).values_list("last_seq", flat=True).first()
    if last_seq is None:
        raise log.StreamMissing(name)
    return last_seq


def delete_stream(name: str) -> None:
    """Delete a stream with its records, if it exists, and end its viewers' connections."""
    with as_service(), transaction.atomic():
        Stream.objects.filter(pk=name).delete()
        _notify_deleted([name])


def hide(names: Iterable[str]) -> None:
    """Keep streams from being followed, and end their viewers' connections."""
    hidden = list(names)
    with as_service(), transaction.atomic():
        Stream.objects.filter(pk__in=hidden).update(hidden_at=timezone.now())
        _notify_deleted(hidden)


def show(names: Iterable[str]) -> None:
    """Let hidden streams be followed again."""
    with as_service():
        Stream.objects.filter(pk__in=list(names)).update(hidden_at=None)


def prune(*, closed_before: datetime) -> Iterator[int]:
    """Delete streams that were closed before a time, with their records; yield the number of each portion.

    Each is a transaction, so that locks are held for a moment only, whatever has piled up.
    """
    old = Stream.objects.filter(closed_at__lt=closed_before).order_by("closed_at")
    while True:
        with as_service(), transaction.atomic():
            names = list(old.select_for_update(skip_locked=True).values_list("name", flat=True)[:_PORTION])
            Stream.objects.filter(pk__in=names).delete()
            _notify_deleted(names)
        if not names:
            return
        yield len(names)


def _append(
    name: str, new: tuple[dict[str, Any], ...], *, closing: bool = False, epoch: int | None = None
) -> int:
    values: dict[str, str | int | None] = {
        "name": name,
        "count": len(new),
        "data": ",".join(map(records.encode, new)),
        "closing": closing,
        "expected": None,
        "epoch": None,
        "new_epoch": epoch,
    }
    with as_service(), connection.cursor() as cursor:
        cursor.execute(log.APPEND, values)
        row = cursor.fetchone()
        if row is not None:
            return int(row[0])
    position(name)
    raise log.StreamClosed(name)


def _page(name: str, after: int) -> log.Page:
    with as_service(), connection.cursor() as cursor:
        cursor.execute(log.PAGE_AFTER, {"name": name, "after": after, "budget": log.PAGE_BYTES})
        return log.Page.of(name, cursor.fetchall())


def _notify_deleted(names: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify(%s, name || ':0') FROM unnest(%s::text[]) AS name", [log.NOTIFY_CHANNEL, names]
        )
