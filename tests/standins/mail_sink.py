"""Take mails by SMTP and keep them, for tests against services that send some."""

from __future__ import annotations

import email
import email.policy
import socketserver
from dataclasses import dataclass


@dataclass(frozen=True)
class Delivery:
    to: str
    text: str


class MailSink(socketserver.ThreadingTCPServer):
    """An SMTP server on a port of this machine; `deliveries` are the mails, oldest first."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.deliveries: list[Delivery] = []


class _Session(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self._answer(220, "ready")
        while line := self.rfile.readline():
            match line[:4].upper().strip():
                case b"DATA":
                    self._answer(354, "go on")
                    self._receive()
                    self._answer(250, "kept")
                case b"QUIT":
                    self._answer(221, "bye")
                    return
                case _:
                    self._answer(250, "fine")

    def _receive(self) -> None:
        raw = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            raw += line.removeprefix(b".") if line.startswith(b"..") else line
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain", "html"))
        text = body.get_content() if body is not None else ""
        self.server.deliveries.append(Delivery(str(message["To"]).strip("<>"), str(text)))

    def _answer(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())
