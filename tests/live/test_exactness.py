"""Every viewer gets every record once, in order, whatever breaks."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import connection, transaction

from agentforge.accounts.models import User
from agentforge.live.connections import parameters
from agentforge.live.streams import close_stream, create_stream, delete_stream, publish
from agentforge.live.writer import StreamWriter
from tests.drivers.web_process import WebProcess

from .followers import Follower, finish, go, start_writer
from .test_streams import line
from .test_writer import end_writers_connections


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def test_viewers_that_come_and_go(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    followers = [Follower(web, signed_in, stream, seed=seed, patience=10) for seed in range(4)]
    for follower in followers:
        follower.start()
    with StreamWriter(stream) as writer:
        for number in range(1, 10_001):
            writer.write(line(str(number)))
            if number % 500 == 0:
                writer.flush()
    close_stream(stream)

    for follower in followers:
        assert follower.texts(stream) == numbers(1, 10_000)
    assert sum(follower.connections for follower in followers) > 10


def test_writers_at_the_same_time(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    """Transactions overlap, so that each waits for one whose numbers come before its own."""
    writers = [
        start_writer(stream, 1, 700, "publish"),
        start_writer(stream, 20_001, 22_000, "writer"),
    ]
    followers = [Follower(web, signed_in, stream, seed=seed) for seed in range(3)]
    for follower in followers:
        follower.start()
    go(*writers)
    for start in range(10_001, 10_701, 7):
        with transaction.atomic():
            publish(stream, *[line(text) for text in numbers(start, start + 6)])
    finish(*writers)
    close_stream(stream)

    first = followers[0].texts(stream)
    for follower in followers:
        assert follower.texts(stream) == first
    found = [int(text) for text in first]
    for low, high in ((1, 700), (10_001, 10_700), (20_001, 22_000)):
        assert [number for number in found if low <= number <= high] == list(range(low, high + 1))


def test_a_web_process_that_is_killed_and_started_again(stream: str, signed_in: dict[str, str]) -> None:
    up = threading.Event()
    with WebProcess() as web, StreamWriter(stream) as writer:
        up.set()
        followers = [
            Follower(web, signed_in, stream, seed=seed, patience=None, is_up=lambda: up.wait(60))
            for seed in range(4)
        ]
        for follower in followers:
            follower.start()
        for number in range(1, 3_001):
            writer.write(line(str(number)))
            if number == 1_000:
                for follower in followers:
                    assert follower.first_event.wait(60)
                up.clear()
                web.kill()
        web.start()
        up.set()
        writer.flush()
        close_stream(stream)

        for follower in followers:
            assert follower.texts(stream) == numbers(1, 3_000)
            assert follower.connections >= 3


def test_a_database_that_cuts_every_connection(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    """The LISTEN connection, the readers' and the writer's own are ended again and again."""
    followers = [Follower(web, signed_in, stream, seed=seed, patience=None) for seed in range(4)]
    for follower in followers:
        follower.start()
    cut = 0
    with StreamWriter(stream) as writer:
        for number in range(1, 6_001):
            writer.write(line(str(number)))
            if number % 600 == 0:
                writer.flush()
                cut += end_writers_connections()
        writer.flush()
    publish(stream, line("6001"))
    close_stream(stream)

    for follower in followers:
        assert follower.texts(stream) == numbers(1, 6_001)
        # One to receive everything, one to learn that it is over.
        assert follower.connections == 2
    assert cut > 10


def test_a_database_that_is_away(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    """Viewers keep their connections, newcomers wait, the writer gathers; then everything arrives."""
    database = connection.settings_dict["NAME"]
    name = psycopg.sql.Identifier(database)
    early = Follower(web, signed_in, stream, patience=None)
    late = Follower(web, signed_in, stream, patience=None)
    early.start()
    with (
        psycopg.connect(**{**parameters(), "dbname": "postgres"}) as operator,
        StreamWriter(stream) as writer,
    ):
        writer.write(line("1"))
        assert early.first_event.wait(60)
        operator.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            assert end_writers_connections() > 0
            writer.write(line("2"))
            late.start()
            with pytest.raises(TimeoutError):
                writer.flush(0.2)
        finally:
            operator.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        writer.write(line("3"))
    close_stream(stream)

    assert early.texts(stream) == late.texts(stream) == numbers(1, 3)
    assert early.connections == late.connections == 2


def test_a_late_commit_is_not_passed_by(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    follower = Follower(web, signed_in, stream, patience=None)
    follower.start()
    publish(stream, line("1"))
    assert follower.first_event.wait(60)

    def second() -> None:
        publish(stream, line("3"))
        connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        publish(stream, line("2"))
        other.start()
    other.join()
    close_stream(stream)

    assert follower.texts(stream) == numbers(1, 3)


def test_going_on_inside_a_chunk(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    publish(stream, *[line(text) for text in numbers(1, 9)])

    for after in range(9):
        with web.follow(signed_in, stream, last_event_id=f"{stream}:{after}") as response:
            event = next(iter(response))
        assert event.id == f"{stream}:9"
        assert [(seq, record["text"]) for seq, record in event.records] == [
            (seq, str(seq)) for seq in range(after + 1, 10)
        ]


def test_the_larger_position_counts(
    web: WebProcess, stream: str, owner: User, signed_in: dict[str, str]
) -> None:
    create_stream("agent-1", owner.pk)
    for name in (stream, "agent-1"):
        publish(name, *[line(text) for text in numbers(1, 5)])

    with web.follow(
        signed_in,
        stream,
        "agent-1",
        last_event_id=f"{stream}:2,agent-1:4,elsewhere:7",
        query={"last_event_id": f"{stream}:4,agent-1:1"},
    ) as response:
        events = iter(response)
        first, second = next(events), next(events)

    # Which channel comes first is not promised; that each goes on behind its larger position is.
    assert {(event.channel, event.data["seq"]) for event in (first, second)} == {(stream, 5), ("agent-1", 5)}
    ids = {stream: f"{stream}:5,agent-1:4", "agent-1": f"{stream}:4,agent-1:5"}
    assert first.id == ids[first.channel]
    assert second.id == f"{stream}:5,agent-1:5"


def test_many_channels_over_one_connection(web: WebProcess, owner: User, signed_in: dict[str, str]) -> None:
    names = [f"build-{number}" for number in range(8)]
    for name in names:
        create_stream(name, owner.pk)
    followers = [Follower(web, signed_in, *names, seed=seed, patience=30) for seed in range(2)]
    for follower in followers:
        follower.start()
    for number in range(1, 31):
        for name in names:
            publish(name, line(str(number)))
    for name in names:
        close_stream(name)

    for follower in followers:
        for name in names:
            assert follower.texts(name) == numbers(1, 30)


def test_a_log_longer_than_what_is_kept_in_memory(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    """The first viewer holds the tail in memory; the second starts far behind it."""
    with web.follow(signed_in, stream) as first:
        with StreamWriter(stream) as writer:
            for number in range(1, 20_001):
                writer.write(line(f"{number}"))
        events = iter(first)
        while next(events).records[-1][0] < 20_000:
            pass
        follower = Follower(web, signed_in, stream, patience=8)
        follower.start()
        close_stream(stream)

    assert follower.texts(stream) == numbers(1, 20_000)


def test_a_stream_that_is_deleted_ends_its_viewers(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("1"))
    with web.follow(signed_in, stream) as response:
        events = iter(response)
        next(events)
        delete_stream(stream)
        assert list(events) == []


def test_a_quiet_connection_is_kept_alive(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    with web.follow(signed_in, stream) as response:
        sent = iter(response.response.readline, b"")
        assert any(text.startswith(b": keep-alive") for text in sent), "the stream ended without one"


def test_text_can_not_forge_a_line(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    """The client fails on a line or field that is not one of the wire's own."""
    nasty = "a\r\rid: forged:1\rdata: x\n\nevent: forged\r\n\0\u2028\u2029\x85\ud800 \\r\\n :"
    publish(stream, line(nasty), {"kind": "chat", "event": {nasty: [nasty]}})
    close_stream(stream)

    with web.follow(signed_in, stream) as response:
        (event, end) = list(response)

    cleaned = nasty.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").replace("\ud800", "\ufffd")
    assert event.data["records"][0]["text"] == cleaned
    assert event.data["records"][1]["event"] == {cleaned: [cleaned]}
    assert end.data["records"][0]["kind"] == "end"
