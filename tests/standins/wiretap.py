"""Stand between two HTTP servers: keep every byte that crosses, and hold or cut what a test wants."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import urlsplit

from .server import ThreadingServer

Gate = Callable[[bytes], None]


class Wiretap:
    """Forward each POST to `target`; `gate(body)` is called before, in a thread of the request."""

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.crossed: list[bytes] = []
        self.gate: Gate = lambda body: None
        tap = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                tap.forward(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingServer):
            def handle_error(self, *_: object) -> None:
                # Whoever asked has gone meanwhile: that is what some tests are about.
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def forward(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        self.crossed.append(str(handler.headers).encode() + body)
        self.gate(body)
        connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=30)
        try:
            connection.request("POST", handler.path, body, dict(handler.headers))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            # As if nobody were there: the connection ends without an answer.
            handler.close_connection = True
            return
        finally:
            connection.close()
        self.crossed.append(content)
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.headers["Content-Type"] or "")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
