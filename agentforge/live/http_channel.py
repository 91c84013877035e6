"""Bound what a client's connection may cost before its request is complete.

Twisted restarts its time-out with each byte, so that half a request could keep a connection for good, and it
stores a request's body whatever its size.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from twisted.web.http import HTTPChannel

from .connection_table import ConnectionTable

# A body may take a second more than HTTP_BODY_SECONDS for each so many bytes that have arrived.
BODY_RATE = 4096
MOST_BODY_BYTES = 64 * 1024 * 1024
_MOST_DIGITS = 18
_RESPONSE = "HTTP/1.1 {} {}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedChannel(HTTPChannel):
    """One connection of a client; `table` bounds their number."""

    _is_receiving = False
    _body_began = 0.0
    _body_bytes = 0

    def __init__(self, table: ConnectionTable) -> None:
        super().__init__()
        self.table = table

    @property
    def address(self) -> str:
        """Return the peer's network address; empty without one."""
        return str(getattr(self.transport.getPeer(), "host", ""))

    def connectionMade(self) -> None:
        super().connectionMade()
        self.setTimeout(settings.HTTP_HEADER_SECONDS)
        self.table.add(self)

    def connectionLost(self, reason: Any) -> None:
        self.table.remove(self)
        super().connectionLost(reason)

    def resetTimeout(self) -> None:
        """Start the time for a request's headers with its first byte; later bytes don't extend it."""
        if not self._handlingRequest and not self._is_receiving:
            self._is_receiving = True
            self.setTimeout(settings.HTTP_HEADER_SECONDS)

    def headerReceived(self, line: bytes) -> bool:
        """Refuse a length whose digits could not be read as a number; see the base class."""
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and len(value.strip()) > _MOST_DIGITS:
            self._end(413, "Content Too Large")
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        if self.length is not None and self.length > MOST_BODY_BYTES:
            self._end(413, "Content Too Large")
            return
        # Nothing here speaks WebSocket, and a server may ignore the wish for another protocol.
        self.requests[-1].requestHeaders.removeHeader(b"upgrade")
        super().allHeadersReceived()
        if self.length != 0:
            self._body_began, self._body_bytes = time.monotonic(), 0
            self.setTimeout(settings.HTTP_BODY_SECONDS)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._handlingRequest:
            self._body_bytes += len(data)
            if self._body_bytes > MOST_BODY_BYTES:
                self._end(413, "Content Too Large")
                return
            allowed = settings.HTTP_BODY_SECONDS + self._body_bytes / BODY_RATE
            self.setTimeout(max(0.0, self._body_began + allowed - time.monotonic()))
        super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        self._is_receiving = False
        self.table.begin(self)
        super().allContentReceived()
        self._savedTimeOut = settings.HTTP_IDLE_SECONDS

    def requestDone(self, request: Any) -> None:
        self.table.end(self)
        super().requestDone(request)

    def timeoutConnection(self) -> None:
        # Requests that the client began to send, and whose answer it may expect.
        if self.requests and not self._handlingRequest:
            self.transport.write(_RESPONSE.format(408, "Request Timeout").encode())
        super().timeoutConnection()

    def refuse(self) -> None:
        """Refuse a connection: its address has too many that are all in use."""
        self.transport.write(_RESPONSE.format(429, "Too Many Requests").encode())
        self.loseConnection()

    def evict(self) -> None:
        """Close a connection that waits for a request, to make room for another one."""
        self.transport.abortConnection()

    def _end(self, status: int, reason: str) -> None:
        self.transport.write(_RESPONSE.format(status, reason).encode())
        self.loseConnection()
