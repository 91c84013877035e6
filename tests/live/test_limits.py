"""No client holds more than its share of connections and streams, nor any of them for good."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from agentforge.accounts.models import User
from agentforge.live.streams import create_stream, publish
from tests.drivers.people import bearer_of, make_user
from tests.drivers.web_process import WebProcess

from .test_streams import line

PER_PERSON = 3
# The last is longer: a test has to send its next request within it.
HASTE = {"HTTP_HEADER_SECONDS": "1", "HTTP_BODY_SECONDS": "1", "HTTP_IDLE_SECONDS": "4"}


@pytest.fixture
def limited() -> Iterator[WebProcess]:
    with WebProcess(MOST_STREAMS_PER_PERSON=str(PER_PERSON)) as process:
        yield process


@pytest.fixture(scope="module")
def hasty(django_db_setup: None) -> Iterator[WebProcess]:
    """A server with short time-outs."""
    with WebProcess(**HASTE) as process:
        yield process


def _headers(user: User) -> dict[str, str]:
    return {"Authorization": bearer_of(user)}


def test_streams_of_one_person_are_limited(
    limited: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    bob = make_user("bob")
    create_stream("agent-1", bob.pk)
    with ExitStack() as stack:
        own = [stack.enter_context(limited.follow(signed_in, stream)) for _ in range(PER_PERSON)]
        assert [each.status for each in own] == [200] * PER_PERSON
        with limited.follow(signed_in, stream) as refused:
            assert (refused.status, refused.response.headers["Content-Type"]) == (
                429,
                "application/problem+json",
            )
            assert refused.response.headers["Retry-After"] == "10"
            assert f"{PER_PERSON} live connections" in json.loads(refused.text())["detail"]
        assert stack.enter_context(limited.follow(_headers(bob), "agent-1")).status == 200
        # The refused one does not count, and a closed one makes room.
        own[0].__exit__()
        _eventually_opens(limited, signed_in, stream)
        # The others go on.
        publish(stream, line("a"))
        assert next(iter(own[1])).records[0][1]["text"] == "a"


def test_a_pages_new_stream_replaces_its_older_one(
    limited: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    with ExitStack() as stack:
        mine = [
            stack.enter_context(limited.follow(signed_in, stream, query={"page": "p1"})) for _ in range(6)
        ]
        assert [each.status for each in mine] == [200] * 6
        for each in mine[:-1]:
            assert list(each) == []
        publish(stream, line("a"))
        assert next(iter(mine[-1])).records[0][1]["text"] == "a"


def test_streams_of_one_address_are_limited(transactional_db: None, limited: WebProcess) -> None:
    people = [make_user(f"person{number}") for number in range(6)]
    for number, person in enumerate(people):
        create_stream(f"agent-{number}", person.pk)
    with ExitStack() as stack:
        statuses = [
            stack.enter_context(limited.follow(_headers(person), f"agent-{number}")).status
            for number, person in enumerate(people)
            for _ in range(PER_PERSON)
        ]
        assert statuses == [200] * PER_PERSON * 5 + [429] * PER_PERSON
        assert httpx.get(f"{limited.url}/healthz").status_code == 200


def _eventually_opens(web: WebProcess, headers: dict[str, str], stream: str) -> None:
    """Open a stream as soon as the server has noticed that another one was closed."""
    for _ in range(200):
        with web.follow(headers, stream) as connection:
            if connection.status == 200:
                return
    raise AssertionError("No stream was admitted.")


@contextmanager
def _connection(web: WebProcess) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", web.port), timeout=30) as connection:
        yield connection


def _drip(connection: socket.socket, byte: bytes) -> bytes:
    """Send a byte at a time until the server answers; return the answer."""
    connection.settimeout(0.05)
    for _ in range(600):
        connection.sendall(byte)
        try:
            return connection.recv(1000)
        except TimeoutError:
            continue
    raise AssertionError("The server never gave up.")


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n",
        b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n",
    ],
    ids=["headers", "body", "chunked body"],
)
def test_a_dripping_request_is_given_up(hasty: WebProcess, beginning: bytes) -> None:
    with _connection(hasty) as connection:
        connection.sendall(beginning)
        assert _drip(connection, b"x").startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("first", [b"", b"GET /he", b"\r\n"])
def test_a_connection_without_a_request_is_closed(hasty: WebProcess, first: bytes) -> None:
    with _connection(hasty) as connection:
        connection.sendall(first)
        assert connection.recv(1000) == b""


def test_a_connection_may_wait_for_its_next_request_for_a_while(hasty: WebProcess) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with _connection(hasty) as connection:
        for _ in range(3):
            connection.sendall(request)
            received = b""
            while not received.endswith(b"ok\n"):
                received += connection.recv(4096)
            assert received.startswith(b"HTTP/1.1 200 ")
        connection.sendall(request + request)
        received = b"".join(iter(lambda: connection.recv(4096), b""))
        assert received.count(b"HTTP/1.1 200 ") == 2


def test_a_long_body_that_arrives_in_time_is_taken(hasty: WebProcess) -> None:
    answer = httpx.post(f"{hasty.url}/healthz", content=b"x" * 4_000_000)
    # Django's own answer, for want of a CSRF token.
    assert answer.status_code == 403


@pytest.mark.parametrize("length", ["1" * 5000, str(10**12), "9" * 19])
def test_a_body_that_is_too_long_is_refused_before_it_is_sent(web: WebProcess, length: str) -> None:
    with _connection(web) as connection:
        connection.sendall(
            f"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")
        assert connection.recv(1000) == b""


def test_a_wish_for_websocket_is_ignored(web: WebProcess) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert httpx.get(f"{web.url}/healthz", headers=headers).status_code == 200


def test_many_half_requests_of_one_address_give_way(stream: str, signed_in: dict[str, str]) -> None:
    with WebProcess(MOST_CONNECTIONS_PER_ADDRESS="20") as web, ExitStack() as stack:
        follower = stack.enter_context(web.follow(signed_in, stream))
        half = [stack.enter_context(_connection(web)) for _ in range(100)]
        for each in half:
            with suppress(ConnectionResetError):
                each.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        # Sooner than any of them is given up for its slowness.
        assert httpx.get(f"{web.url}/healthz", timeout=10).status_code == 200
        # A reset is reported once, here or as it was sent to.
        with suppress(ConnectionResetError):
            assert half[0].recv(1) == b""
        publish(stream, line("a"))
        assert next(iter(follower)).records[0][1]["text"] == "a"


def test_more_streams_than_an_address_may_have_connections_are_refused(
    stream: str, signed_in: dict[str, str]
) -> None:
    with WebProcess(MOST_CONNECTIONS_PER_ADDRESS="3") as web, ExitStack() as stack:
        for _ in range(3):
            assert stack.enter_context(web.follow(signed_in, stream)).status == 200
        with web.follow(signed_in, stream) as refused:
            assert refused.status == 429
