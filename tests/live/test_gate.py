"""What waits for news is sent it directly, framed once for all: nobody's bytes are lost or mixed up."""

from __future__ import annotations

import socket

from agentforge.live.streams import close_stream, publish
from agentforge.live.writer import StreamWriter
from tests.drivers.sse_client import SECONDS
from tests.drivers.web_process import WebProcess

from .test_streams import line


def test_a_socket_that_takes_a_part_is_sent_the_rest(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("0"))
    with web.follow(signed_in, stream, receive_buffer=4096) as slow, web.follow(signed_in, stream) as fast:
        slow_events, fast_events = iter(slow), iter(fast)
        assert next(slow_events).data["seq"] == next(fast_events).data["seq"] == 1
        with StreamWriter(stream) as writer:
            for number in range(2, 402):
                writer.write(line(f"{number} {'x' * 20_000}"))
                writer.flush()
                # Both wait for each line, until the slow one's socket is full.
                assert next(fast_events).data["seq"] == number
        close_stream(stream)

        records = [record for event in slow_events for _, record in event.records]
    assert [record.get("text", "").split(" ")[0] for record in records[:-1]] == [
        str(number) for number in range(2, 402)
    ]
    assert records[-1]["kind"] == "end"


def test_a_client_of_http_1_0_is_sent_no_chunks(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("a"))
    request = f"GET /live/?channel={stream} HTTP/1.0\r\nHost: 127.0.0.1\r\n"
    request += "".join(f"{name}: {value}\r\n" for name, value in signed_in.items())
    with (
        web.follow(signed_in, stream) as other,
        socket.create_connection(("127.0.0.1", web.port), timeout=SECONDS) as client,
        client.makefile("rb") as response,
    ):
        events = iter(other)
        next(events)
        client.sendall(f"{request}\r\n".encode())
        head = iter(response.readline, b"\r\n")
        assert next(head).split()[1] == b"200"
        assert not [each for each in head if each.lower().startswith(b"transfer-encoding")]
        # The first of them is read from the log, the others are pushed to both.
        for seq, text in enumerate("abc", start=1):
            if seq > 1:
                publish(stream, line(text))
                next(events)
            while not (data := response.readline()).startswith(b"data: "):
                assert data == b"\n" or data.split(b":")[0] in (b"retry", b"id", b"event", b"")
            assert f'"seq":{seq},'.encode() in data
