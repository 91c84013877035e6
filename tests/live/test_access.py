from __future__ import annotations

import http.client
import json

import pytest
from django.conf import settings
from django.test import Client

from agentforge.accounts.models import User
from agentforge.live.streams import close_stream, create_stream, delete_stream, hide, publish, show
from tests.drivers.people import bearer_of, make_user, sign_in
from tests.drivers.web_process import WebProcess

from .test_streams import line


def test_the_owner_follows_with_a_token_or_a_cookie(
    web: WebProcess, stream: str, owner: User, signed_in: dict[str, str]
) -> None:
    publish(stream, line("a"))
    client = Client()
    sign_in(client, owner)
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}"}

    for headers in (signed_in, cookie):
        with web.follow(headers, stream) as connection:
            assert connection.status == 200
            assert connection.response.headers["Content-Type"] == "text/event-stream"
            assert connection.response.headers["Cache-Control"] == "no-cache"
            assert connection.response.headers["X-Accel-Buffering"] == "no"
            event = next(iter(connection))
            assert (event.id, event.name) == (f"{stream}:1", "message")
            assert event.data["seq"] == 1


def test_others_find_nothing(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    bob, olga = make_user("bob"), make_user("olga", operator=True)
    create_stream("bobs", bob.pk)

    for headers, channels, status in (
        ({}, [stream], 401),
        ({"Authorization": "Bearer nonsense"}, [stream], 401),
        ({"Cookie": "sessionid=nonsense"}, [stream], 401),
        ({}, ["missing"], 401),
        ({"Authorization": bearer_of(bob)}, [stream], 404),
        ({"Authorization": bearer_of(olga)}, [stream], 404),
        (signed_in, ["missing"], 404),
        (signed_in, [stream, "bobs"], 404),
        (signed_in, ["not a name\0"], 404),
        (signed_in, ["'; DROP TABLE live_stream; --"], 404),
    ):
        with web.follow(headers, *channels) as connection:
            assert (connection.status, channels) == (status, channels)
            assert connection.response.headers["Content-Type"] == "application/problem+json"
            assert json.loads(connection.text())["status"] == status


@pytest.mark.parametrize(
    "last_event_id",
    [
        "error",
        "12",
        "x:",
        ":1x",
        "{}:-1",
        "{}:1.0",
        "{}:1:2",
        "{}:²",
        "{}:9999999999999999999",
        "{}:3,",
        "{}:4",
    ],
)
def test_a_position_that_is_nonsense_is_refused(
    last_event_id: str, web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("a"), line("b"), line("c"))
    payload = last_event_id.replace("{}", stream)

    with web.follow(signed_in, stream, query={"last_event_id": payload}) as connection:
        assert connection.status == 400
        assert "last event id" in connection.text()
    if payload.isascii():
        with web.follow(signed_in, stream, last_event_id=payload) as connection:
            assert connection.status == 400


def test_requests_that_are_not_served(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    many = [f"build-{number}" for number in range(61)]
    for headers, channels, query, status in (
        ({}, [], {}, 400),
        ({}, many, {}, 400),
        ({}, [stream], {"es-meta": "x"}, 400),
        ({}, [stream], {f"q{number}": "" for number in range(200)}, 400),
        ({"Host": "elsewhere.example"}, [stream], {}, 400),
        ({"Host": ""}, [stream], {}, 400),
        ({"Origin": "https://elsewhere.example"}, [stream], {}, 403),
        ({"Origin": "null"}, [stream], {}, 403),
        ({"Daphne-Root-Path": "/elsewhere"}, [stream], {}, 200),
        ({"Origin": web.url}, [stream], {}, 200),
    ):
        with web.follow({**signed_in, **headers}, *channels, query=query) as connection:
            assert (connection.status, headers, query) == (status, headers, query)


def test_only_get_reads(web: WebProcess, stream: str, signed_in: dict[str, str]) -> None:
    for method in ("POST", "HEAD", "DELETE", "OPTIONS"):
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
        connection.request(method, f"/live/?channel={stream}", body=b"x" * 100_000, headers=signed_in)
        response = connection.getresponse()
        assert (method, response.status, response.headers["Allow"]) == (method, 405, "GET")
        connection.close()


def test_what_was_received_to_its_end_is_not_sent_again(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("a"))
    end = close_stream(stream)

    with web.follow(signed_in, stream) as connection:
        assert [record["kind"] for event in connection for _, record in event.records] == ["line", "end"]
    with web.follow(signed_in, stream, last_event_id=f"{stream}:{end}") as connection:
        assert connection.status == 204
        assert connection.text() == ""
    delete_stream(stream)
    with web.follow(signed_in, stream, last_event_id=f"{stream}:{end}") as connection:
        assert connection.status == 404


def test_pages_go_through_django(web: WebProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    for path, status in (
        ("/healthz", 200),
        (f"{settings.STATIC_URL}agentforge.css", 200),
        ("/nowhere/", 404),
    ):
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        assert (path, response.status, bool(body)) == (path, status, True)
    connection.close()


def test_a_hidden_stream_ends_its_viewers_and_is_kept(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("a"))
    with web.follow(signed_in, stream) as connection:
        assert next(iter(connection)).id == f"{stream}:1"
        hide([stream])
        assert [event for event in connection if event.name == "message"] == []
    with web.follow(signed_in, stream) as connection:
        assert connection.status == 404
    publish(stream, line("b"))
    show([stream])
    with web.follow(signed_in, stream, last_event_id=f"{stream}:1") as connection:
        assert next(iter(connection)).id == f"{stream}:2"
