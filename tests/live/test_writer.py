from __future__ import annotations

import threading

import pytest
from django.db import connection

from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.models import Chunk
from agentforge.live.streams import close_stream, delete_stream, publish, read
from agentforge.live.writer import CHUNK_BYTES, StreamWriter

from .test_streams import line, texts


def end_writers_connections() -> int:
    """Cut the connection of every writer and reader, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'agentforge % live'"
        )
        return int(cursor.fetchone()[0])


def test_records_gather_in_chunks(stream: str) -> None:
    with StreamWriter(stream) as writer:
        for number in range(5_000):
            writer.write(line(f"line {number}"))

    assert texts(stream) == [f"line {number}" for number in range(5_000)]
    assert Chunk.objects.count() < 100
    assert max(len(chunk.data) for chunk in Chunk.objects.all()) <= CHUNK_BYTES


def test_a_record_larger_than_a_chunk_is_stored_alone(stream: str) -> None:
    with StreamWriter(stream) as writer:
        for text in ("small", "x" * (CHUNK_BYTES * 2), "small again"):
            writer.write(line(text))

    assert [len(text) for text in texts(stream)] == [5, CHUNK_BYTES * 2, 11]


def test_flush_returns_when_the_records_can_be_read(stream: str) -> None:
    with StreamWriter(stream) as writer:
        writer.write(line("a"))
        writer.flush()
        assert texts(stream) == ["a"]


def test_many_threads_write_whole_records(stream: str) -> None:
    def work(writer: StreamWriter, thread: int) -> None:
        for number in range(200):
            writer.write(line(f"{thread} {number}"))

    with StreamWriter(stream) as writer:
        threads = [threading.Thread(target=work, args=(writer, number)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    written = [tuple(map(int, text.split())) for text in texts(stream)]
    assert len(written) == 1000
    for thread_number in range(5):
        assert [n for t, n in written if t == thread_number] == list(range(200))


def test_the_next_writer_goes_on_where_a_lost_one_stopped(stream: str) -> None:
    with StreamWriter(stream) as writer:
        writer.write(line("a"))
    with StreamWriter(stream) as writer:
        writer.write(line("b"))

    assert [(seq, record["text"]) for seq, record in read(stream)] == [(1, "a"), (2, "b")]


def test_others_may_publish_between_a_writers_chunks(stream: str) -> None:
    with StreamWriter(stream) as writer:
        for number in range(20):
            writer.write(line(f"w{number}"))
            writer.flush()
            publish(stream, line(f"p{number}"))

    assert texts(stream) == [f"{who}{number}" for number in range(20) for who in "wp"]


def test_nothing_is_lost_or_repeated_when_connections_break(stream: str) -> None:
    cut = 0
    with StreamWriter(stream) as writer:
        for number in range(3_000):
            writer.write(line(str(number)))
            if number % 100 == 50:
                cut += end_writers_connections()

    assert cut > 0
    assert texts(stream) == [str(number) for number in range(3_000)]


@pytest.mark.parametrize(("end", "error"), [(close_stream, StreamClosed), (delete_stream, StreamMissing)])
def test_a_writer_says_that_its_stream_has_ended(end: object, error: type[Exception], stream: str) -> None:
    assert callable(end)
    end(stream)
    writer = StreamWriter(stream)
    writer.write(line("late"))

    with pytest.raises(error, match=stream):
        writer.close()
    with pytest.raises(error):
        writer.write(line("later"))


def test_a_writer_is_shut_out_when_another_epoch_begins(stream: str) -> None:
    hung, bystander = StreamWriter(stream, epoch=1), StreamWriter(stream)
    hung.write(line("a"))
    hung.flush()
    publish(stream, line("taken over"), epoch=2)
    hung.write(line("late"))
    with pytest.raises(StreamClosed, match=stream):
        hung.close()
    bystander.write(line("b"))
    bystander.close()
    with StreamWriter(stream, epoch=2) as following:
        following.write(line("c"))

    assert texts(stream) == ["a", "taken over", "b", "c"]
