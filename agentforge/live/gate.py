"""Hold back a response while its client does not read, and push to a client that does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from zope.interface import implementer


class Framing:
    """The last body that was pushed, framed for HTTP: viewers at one position are sent the same bytes."""

    __slots__ = ("body", "chunk")

    def __init__(self) -> None:
        self.body = self.chunk = b""

    def take(self, body: bytes) -> None:
        """Frame a body as a chunk of a response."""
        self.body, self.chunk = body, b"%x\r\n%b\r\n" % (len(body), body)


@implementer(IPushProducer)
class Gate:
    """Backpressure: closed while a connection's buffer is full; Twisted opens and closes it."""

    __slots__ = ("_channel", "_framing", "_opened", "_protocol", "_send", "_transport", "is_open")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._channel: Any = None
        # Closed until the response begins.
        self.is_open = False
        # Created on demand: it is larger than the rest of a gate, and most gates never close.
        self._opened: asyncio.Event | None = None

    def begin(self, protocol: Any) -> None:
        """Begin with a started response, and push to it from now on where its transport can."""
        self._channel = protocol.channel
        # Twisted decides with the first part whether it is sent in chunks.
        self._protocol = protocol
        self._transport = self._channel.transport
        self._send: Callable[[bytes], int] | None = None
        if isinstance(self._transport, Connection):
            self._send = self._transport.socket.send
        self.is_open = True
        protocol.registerProducer(self, True)

    def end(self, protocol: Any) -> None:
        """Push no more to a response that ends, and let its connection be used again."""
        self.is_open = False
        if self._channel is not None:
            self._channel = None
            protocol.unregisterProducer()

    def push(self, body: bytes) -> bool:
        """Send a part of a started response at once; return False if it has to be sent by awaiting `send`.

        A socket with room takes it directly, without a turn of the event loop and two changes to epoll per
        part. With thousands of viewers those are most of the work.
        """
        if not self.is_open or self._send is None:
            return False
        if self._transport.dataBuffer or self._transport._tempDataBuffer:
            return False
        if self._protocol.chunked:
            if self._framing.body is not body:
                self._framing.take(body)
            body = self._framing.chunk
        try:
            sent = self._send(body)
        except BlockingIOError:
            sent = 0
        except OSError:
            # Twisted notices it as well, if it has not closed the socket itself.
            return False
        if sent < len(body):
            self._channel.write(body[sent:])
        return True

    def pauseProducing(self) -> None:
        self.is_open = False

    def resumeProducing(self) -> None:
        self.is_open = True
        if self._opened is not None:
            self._opened.set()
            self._opened = None

    def stopProducing(self) -> None:
        self.resumeProducing()

    async def passed(self) -> bool:
        """Wait until it is open; return False if it stays closed for LIVE_STALL_SECONDS."""
        if not self.is_open:
            opened = self._opened = self._opened or asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.wait(), settings.LIVE_STALL_SECONDS)
        return self.is_open
