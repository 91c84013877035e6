from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from agentforge.accounts.errors import IdentityUnavailable
from agentforge.accounts.identity.jwks import MAX_BYTES, JWKSCache


class KeyServer:
    """Publish keys on a socket, and count who asks."""

    def __init__(self) -> None:
        self.keys = [{"kid": "one", "kty": "EC"}]
        self.body: bytes | None = None
        self.status = 200
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                body = outer.body if outer.body is not None else json.dumps({"keys": outer.keys}).encode()
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                # Who finds the answer too long goes away.
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/.well-known/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[KeyServer]:
    server = KeyServer()
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_keys_are_kept_while_fresh_and_fetched_again_after(server: KeyServer, clock: Clock) -> None:
    keys = JWKSCache(server.url, clock=clock)
    assert keys.jwk("one") == keys.jwk("one") == {"kid": "one", "kty": "EC"}
    assert server.asked == 1
    clock.now += 601
    server.keys = [{"kid": "two", "kty": "EC"}]
    assert keys.jwk("one") is None
    assert keys.jwk("two")
    assert server.asked == 2


def test_an_unknown_key_is_asked_for_at_most_once_a_pause(server: KeyServer, clock: Clock) -> None:
    keys = JWKSCache(server.url, clock=clock)
    assert keys.jwk("one")
    clock.now += 31
    for number in range(100):
        assert keys.jwk(f"made up {number}") is None
    assert server.asked == 2
    server.keys.append({"kid": "rotated", "kty": "EC"})
    assert keys.jwk("rotated") is None
    clock.now += 31
    assert keys.jwk("rotated")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": 1}'),
        (200, b" " * (MAX_BYTES + 1)),
        (200, b'{"keys": ["x", {"kid": 1}, {}]}'),
    ],
)
def test_known_keys_outlive_a_service_that_is_down_for_an_hour(
    server: KeyServer, clock: Clock, status: int, body: bytes
) -> None:
    keys = JWKSCache(server.url, clock=clock)
    assert keys.jwk("one")
    server.status, server.body = status, body
    clock.now += 1800
    if b"kid" in body:
        assert keys.jwk("one") is None
        return
    assert keys.jwk("one")
    clock.now += 1801
    with pytest.raises(IdentityUnavailable):
        keys.jwk("one")


def test_a_service_that_never_answered_is_unavailable_and_not_asked_for_each_token(
    server: KeyServer, clock: Clock
) -> None:
    server.status = 503
    keys = JWKSCache(server.url, clock=clock)
    for _ in range(5):
        with pytest.raises(IdentityUnavailable):
            keys.jwk("one")
    assert server.asked == 1


def test_the_local_keys_are_published(client: Client, db: None) -> None:
    response = client.get("/.well-known/jwks.json")
    [key] = response.json()["keys"]
    assert {"kty", "crv", "x", "y", "kid", "alg", "use"} <= key.keys()
    assert "d" not in key
    assert response["Cache-Control"] == "public, max-age=600"
