from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.live.connections import connect
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.models import Chunk, Stream
from agentforge.live.streams import close_stream, create_stream, delete_stream, position, prune, publish, read
from agentforge.tenancy.rls import as_user


def line(text: str) -> dict[str, str]:
    return {"kind": "line", "stream": "out", "text": text}


def texts(name: str, after: int = 0, limit: int | None = None) -> list[str]:
    return [record["text"] for _, record in read(name, after, limit)]


def test_records_come_back_in_order_with_their_numbers(stream: str) -> None:
    assert publish(stream, line("a"), line("b")) == 2
    assert publish(stream, line("c")) == 3

    result = list(read(stream))

    assert [(seq, record["text"]) for seq, record in result] == [(1, "a"), (2, "b"), (3, "c")]
    assert all(isinstance(record["t"], float) for _, record in result)
    assert position(stream) == 3


def test_reading_starts_inside_a_chunk_and_stops_at_the_limit(stream: str) -> None:
    publish(stream, *[line(str(number)) for number in range(1, 9)])

    assert texts(stream, after=3) == ["4", "5", "6", "7", "8"]
    assert texts(stream, after=3, limit=2) == ["4", "5"]
    assert texts(stream, after=8) == []
    assert texts(stream, limit=0) == []


def test_reading_goes_through_more_chunks_than_one_page_holds(stream: str) -> None:
    for number in range(700):
        publish(stream, line(str(number)))
    publish(stream, *[line(f"{number} " + "x" * 60_000) for number in range(700, 720)])

    assert [text.split()[0] for text in texts(stream)] == [str(number) for number in range(720)]


def test_publishing_nothing_changes_nothing(stream: str) -> None:
    assert publish(stream) == 0
    assert not Chunk.objects.exists()


def test_a_record_is_gone_with_its_transaction(stream: str) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(stream, line("never"))
        raise ZeroDivisionError
    publish(stream, line("first"))

    assert list(texts(stream)) == ["first"]
    assert position(stream) == 1


def test_a_late_commit_keeps_its_place(stream: str) -> None:
    """The second writer waits for the first one's commit, or readers would pass the first one by."""
    second_done = threading.Event()

    def second_writer() -> None:
        publish(stream, line("second"))
        second_done.set()
        connection.close()

    writer = threading.Thread(target=second_writer)
    with transaction.atomic():
        publish(stream, line("first"))
        writer.start()
        assert not second_done.is_set()
    writer.join()

    assert texts(stream) == ["first", "second"]


def test_a_stream_ends_once(stream: str) -> None:
    publish(stream, line("a"))

    assert close_stream(stream, line("b")) == close_stream(stream, line("c")) == 3
    assert [record.get("text", record["kind"]) for _, record in read(stream)] == ["a", "b", "end"]
    with pytest.raises(StreamClosed):
        publish(stream, line("d"))


def test_what_is_missing_is_named(stream: str) -> None:
    delete_stream(stream)
    delete_stream(stream)

    for action in (
        position,
        close_stream,
        lambda name: list(read(name)),
        lambda name: publish(name, line("a")),
    ):
        with pytest.raises(StreamMissing, match=stream):
            action(stream)
    assert not Chunk.objects.exists()


@pytest.mark.parametrize(
    "name", ["", "Build-1", "build:1", "build,1", "build 1", "build\n1", "1", "b" * 81, "bäu"]
)
def test_a_name_can_not_be_mistaken_for_an_id(name: str, owner: User) -> None:
    with pytest.raises(ValueError, match="can't name a stream"):
        create_stream(name, owner.pk)


@pytest.mark.parametrize("record", [{}, {"kind": ""}, {"text": "x"}, {"kind": "x", "value": float("nan")}])
def test_unusable_records_are_refused(record: dict[str, object], stream: str) -> None:
    with pytest.raises(ValueError, match=r"kind|JSON"):
        publish(stream, record)
    assert position(stream) == 0


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("nul\0byte", "nulbyte"),
        ("lone \ud800 and \udfff", "lone \ufffd and \ufffd"),
        ("a pair \ud83d\ude00", "a pair 😀"),
        ("\u2028 \u202e \u2029 \x85", "\u2028 \u202e \u2029 \x85"),
        ('"}\n\ndata: {"kind":"end"}', '"}\n\ndata: {"kind":"end"}'),
        ("a backslash \\r \\u0000 as text", "a backslash \\r \\u0000 as text"),
    ],
)
def test_any_text_is_safe(written: str, stored: str, stream: str) -> None:
    publish(stream, {"kind": "chat", "event": {"parts": [{written: written}]}}, line(written))

    (_, chat), (_, plain) = read(stream)

    assert plain["text"] == stored
    assert chat["event"] == {"parts": [{stored: stored}]}
    assert not set(Chunk.objects.get().data) & set("\r\n\0")


def test_pruning_spares_open_and_young_streams(stream: str, owner: User) -> None:
    create_stream("old", owner.pk)
    create_stream("open", owner.pk)
    close_stream(stream)
    close_stream("old")
    Stream.objects.filter(pk="old").update(closed_at=timezone.now() - timedelta(days=2))

    assert list(prune(closed_before=timezone.now() - timedelta(days=1))) == [1]
    assert set(Stream.objects.values_list("pk", flat=True)) == {stream, "open"}


@pytest.mark.django_db(transaction=True)
def test_what_has_piled_up_is_pruned_in_portions(owner: User) -> None:
    """Others see each portion gone while the next one is not, so nobody waits for the locks of all."""
    closed = timezone.now() - timedelta(days=2)
    Stream.objects.bulk_create(Stream(name=f"old-{n}", owner=owner, closed_at=closed) for n in range(501))
    portions = prune(closed_before=timezone.now())
    with connect() as other:
        for number, left in ((500, 1), (1, 0)):
            assert next(portions) == number
            assert other.execute("SELECT count(*) FROM live_stream").fetchall() == [(left,)]
    assert list(portions) == []


def test_streams_are_written_and_read_within_a_users_request(owner: User) -> None:
    """Where the database acts for a user, the log is still the forge's own."""
    with as_user(owner.pk):
        create_stream("agent-1", owner.pk)
        publish("agent-1", line("a"))
        assert texts("agent-1") == ["a"]
        assert close_stream("agent-1") == position("agent-1") == 2
        delete_stream("agent-1")

    assert not Stream.objects.exists()
