"""Serve a stand-in of a remote service: real HTTP on a port of its own, each request in a thread."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """Hold one request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # Sent piece by piece as it is made, instead of the body.
    stream: Iterable[bytes] | None = None
    # Break the connection off instead of answering.
    reset: bool = False


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def as_html(status: int, text: str = "<h1>Gateway</h1>") -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/html"})


def as_events(stream: Iterable[bytes]) -> Answer:
    return Answer(200, b"", {"Content-Type": "text/event-stream"}, stream)


class ThreadingServer(ThreadingHTTPServer):
    daemon_threads = True
    # Of five, the usual number, some of many clients at once would have to ask again seconds later.
    request_queue_size = 128


class StandIn:
    """Answer requests by `answer`, which a subclass gives; every request is kept in `asked`."""

    # Where it listens; another one for clients on other machines.
    listens_on = "127.0.0.1"
    # 0: any free one.
    port = 0

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        # Released once for each request, before it is answered.
        self.arrivals = threading.Semaphore(0)
        # A test that holds requests back clears this, and sets it to let them go on.
        self.go_on = threading.Event()
        self.go_on.set()
        self._server = ThreadingServer((self.listens_on, self.port), _handler(self._take, self.cuts))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def origin(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def cuts(self, method: str, path: str) -> bool:
        """Tell whether to break off in the middle of this request's body."""
        return False

    def _take(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        self.arrivals.release()
        self.go_on.wait()
        return self.answer(asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(
    take: Callable[[Asked], Answer], cuts: Callable[[str, str], bool]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            # Whoever was killed breaks its connection off; that is not this side's failure.
            with suppress(ConnectionResetError):
                super().handle()

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            if cuts(self.command, self.path):
                self.rfile.read1(1024)
                self._reset()
                return
            answer = take(Asked(self.command, self.path, headers, self._body()))
            if answer.reset:
                self._reset()
                return
            try:
                self._send(answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body

        def _reset(self) -> None:
            # Without lingering, a close is a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.stream is None:
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                return
            self.send_header("Connection", "close")
            self.close_connection = True
            self.end_headers()
            for piece in answer.stream:
                self.wfile.write(piece)
                self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

        def log_message(self, *args: object) -> None:
            """Stay quiet: tests look at `asked`."""

    return Handler
