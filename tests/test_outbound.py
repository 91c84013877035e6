from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django.fixtures import Settings

from agentforge import outbound

from .standins.server import Answer, Asked, StandIn


class Echo(StandIn):
    reply = Answer(200, b"hello")

    def answer(self, asked: Asked) -> Answer:
        return self.reply


@pytest.fixture
def server(settings: Settings) -> Iterator[Echo]:
    with Echo() as echo:
        settings.AGENTFORGE_ALLOWED_HOSTS = [echo.origin.removeprefix("http://")]
        yield echo


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://0x7f000001:{port}/",
        "http://2130706433:{port}/",
        "http://127.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0:{port}/",
    ],
)
def test_no_spelling_of_loopback_gets_through(server: Echo, settings: Settings, url: str) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = []
    with pytest.raises(outbound.OutboundError):
        outbound.fetch("GET", url.format(port=server.origin.rpartition(":")[2]))
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "http://user:secret@example.com/",
        "http:///nowhere",
        "",
        "example.com",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://[::1",
        "http://\0/",
    ],
)
def test_urls_that_are_refused_before_a_look_up(url: str) -> None:
    with pytest.raises(outbound.RefusedURL):
        outbound.checked_url(url)


def test_a_name_is_resolved_once_and_its_checked_address_is_used(
    server: Echo, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[object] = []
    real = socket.getaddrinfo

    def rebinding(host: object, *args: object, **kwargs: object) -> object:
        if host != "rebind.example":
            return real(host, *args, **kwargs)  # type: ignore[arg-type]
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = server.origin.rpartition(":")[2]
    settings.AGENTFORGE_ALLOWED_HOSTS = ["rebind.example"]
    assert outbound.fetch("GET", f"http://rebind.example:{port}/").body == b"hello"
    assert looked_up == ["rebind.example"]
    assert server.asked[0].headers["host"] == f"rebind.example:{port}"


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)
    with pytest.raises(outbound.RefusedURL, match="AGENTFORGE_ALLOWED_HOSTS"):
        outbound.resolve("mixed.example", 443)


def test_redirects_are_not_followed(server: Echo) -> None:
    server.reply = Answer(302, b"", {"Location": "http://169.254.169.254/"})
    assert outbound.fetch("GET", server.origin).status == 302
    assert len(server.asked) == 1


def test_proxies_of_the_environment_are_ignored(server: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outbound.fetch("GET", server.origin).body == b"hello"


def test_a_body_is_sent_with_its_length(server: Echo) -> None:
    outbound.fetch("POST", f"{server.origin}/a?b=c", headers={"X-Test": "1"}, content=b"{}")
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/a?b=c", b"{}")
    assert asked.headers["x-test"] == "1"


def test_long_answers_are_dropped(server: Echo) -> None:
    server.reply = Answer(200, b"x" * 2000)
    with pytest.raises(outbound.Unreachable, match="longer"):
        outbound.fetch("GET", server.origin, max_bytes=1999)


@contextmanager
def raw_server(settings: Settings, pieces: list[bytes]) -> Iterator[str]:
    """Send these pieces and then nothing, with the connection left open, until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for piece in pieces:
                    connection.sendall(piece)
                over.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        settings.AGENTFORGE_ALLOWED_HOSTS = [host]
        try:
            yield f"http://{host}/"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "pieces", [[], [b"HTTP/1.1 200 OK\r\n"], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]]
)
def test_silence_ends_at_the_time_limit(settings: Settings, pieces: list[bytes]) -> None:
    with (
        raw_server(settings, pieces) as url,
        pytest.raises(outbound.Unreachable, match=r"within 0\.3 seconds"),
    ):
        outbound.fetch("GET", url, seconds=0.3)


def test_what_is_no_http_is_said_to_be_none(settings: Settings) -> None:
    banner = [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"]
    with raw_server(settings, banner) as url, pytest.raises(outbound.Unreachable, match="in HTTP"):
        outbound.fetch("GET", url, seconds=5)


def test_tls_needs_a_certificate_for_the_name(server: Echo) -> None:
    with pytest.raises(outbound.Unreachable):
        outbound.fetch("GET", server.origin.replace("http:", "https:"))


def test_operators_urls_are_allowed_with_their_port_only(settings: Settings) -> None:
    settings.LOCAL_MODEL_URL = "http://127.0.0.1:8011/v1"
    assert outbound.is_allowed("127.0.0.1", 8011)
    assert not outbound.is_allowed("127.0.0.1", 5432)


@pytest.mark.parametrize(
    "entry", ["[::1]", "::1", "[::1]:PORT", "[0:0:0:0:0:0:0:1]:PORT", " [0::1] ", "0:0::1"]
)
def test_an_allowed_ipv6_address_is_reached(settings: Settings, entry: str) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        settings.AGENTFORGE_ALLOWED_HOSTS = [entry.replace("PORT", str(port))]
        assert outbound.resolve("::1", port) == ["::1"]
        assert outbound.is_allowed("[::1]", port)


@pytest.mark.parametrize("entry", ["[::1]:1", "::2", "[::2]:PORT", "::1:PORT", "1", ":PORT"])
def test_another_ipv6_address_or_port_stays_refused(settings: Settings, entry: str) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = [entry.replace("PORT", "8080")]
    with pytest.raises(outbound.RefusedURL):
        outbound.resolve("::1", 8080)
