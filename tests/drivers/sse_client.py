"""Read an event stream over a plain socket, as a browser does, and break off at any moment."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

SECONDS = 60.0


@dataclass(frozen=True)
class Event:
    """One event as received; `data` is decoded."""

    id: str
    name: str
    data: dict[str, Any]

    @property
    def channel(self) -> str:
        return str(self.data["channel"])

    @property
    def records(self) -> list[tuple[int, dict[str, Any]]]:
        """Return (sequence number, record) pairs."""
        return list(enumerate(self.data["records"], start=self.data["seq"]))


@dataclass
class LiveConnection:
    """One response of /live/; iterate over it for its events."""

    url: str  # the server's, "http://127.0.0.1:8000"
    channels: Sequence[str]
    headers: dict[str, str]  # what signs in: Cookie or Authorization
    last_event_id: str = ""  # sent as header, as a browser that connects again does
    query: dict[str, str] = field(default_factory=dict)
    receive_buffer: int | None = None  # bytes; small for a client that is to stall
    comments: int = 0

    def __enter__(self) -> Self:
        parts = urlsplit(self.url)
        assert parts.hostname
        self._http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
        is_tls = parts.scheme == "https"
        connection = self._connected((parts.hostname, parts.port or (443 if is_tls else 80)))
        if is_tls:
            context = ssl.create_default_context()
            connection = context.wrap_socket(connection, server_hostname=parts.hostname)
        self._http.sock = connection
        payload = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        asked = [("channel", name) for name in self.channels] + list(self.query.items())
        try:
            self._http.request("GET", f"/live/?{urlencode(asked)}", headers={**self.headers, **payload})
            self.response = self._http.getresponse()
        except BaseException:
            self._http.close()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self._http.close()
        self.response.close()

    @property
    def status(self) -> int:
        return self.response.status

    def text(self) -> str:
        """Return the rest of the body."""
        return self.response.read().decode()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until the response ends; raises one of BROKEN when the connection does."""
        fields: dict[str, str] = {}
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                self.comments += 1
            elif text:
                name, _, value = text.partition(": ")
                assert name in {"id", "event", "data", "retry"} and name not in fields, (
                    f"A forged line: {text!r}"
                )
                fields[name] = value
            else:
                if "data" in fields:
                    yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
                fields = {}

    def _connected(self, address: tuple[str, int]) -> socket.socket:
        connection = socket.socket()
        if self.receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        connection.settimeout(SECONDS)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection


BROKEN = (OSError, http.client.HTTPException)


def positions_id(positions: dict[str, int]) -> str:
    """Return the id of an event after which these positions are reached."""
    return ",".join(f"{name}:{seq}" for name, seq in positions.items())
