"""Serve streams as Server-Sent Events at /live/. The protocol for clients:

    GET /live/?channel=build-42&channel=agent-3[&last_event_id=agent-3:9,build-42:17][&page=k3x9]

Sign-in is the session cookie or `Authorization: Bearer`. Up to 60 channels share one connection. An event:

    id: build-42:12,agent-3:9
    event: message
    data: {"channel":"build-42","seq":10,"records":[{"t":1.5,"kind":"line",...},{...},{...}]}

- `seq` is the number of the first record; the others follow without gaps, here 10, 11, 12. Every channel's
  numbers start at 1. Each record has `t` (epoch seconds) and `kind`.
- `id` holds the position in all channels of the connection after this event. Browsers repeat it in
  `Last-Event-ID` automatically. A page states in `last_event_id` what it has already rendered. For each
  channel the larger number counts; a channel in neither starts with its first record. So every record arrives
  exactly once, whatever happens to the connection.
- `{"kind":"end"}` is the last record of a closed channel. When all channels of a connection have ended, the
  response ends; reconnecting from there gives 204, on which an EventSource stops for good. A client may close
  its EventSource as soon as it has received `end` on all its channels.
- Something is sent at least every 40 s: after 20 quiet seconds a comment line. `retry:` sets how long a
  browser waits before it reconnects. After 15 minutes the response ends so that sign-in is checked again; an
  EventSource reconnects automatically.
- A user may have MOST_STREAMS_PER_PERSON connections open, and a network address five times as many. A new
  one with the same `page` (any id that the client chose at random) replaces the older one.
- When a user is signed out or disabled, their connections are closed at once. A connection also ends with the
  access token that admitted it, unless the token of a browser's session is renewed meanwhile.
- Refusals are application/problem+json: 400 (no or too many channels, an id that is malformed or ahead of its
  channel, a host that is not served), 401 (not signed in), 403 (another site's page, or a missing second
  factor where SECOND_FACTOR_PATHS requires one), 404 (no such channel, or another user's), 405, 429 (too many
  connections), 503 (the database or the identity service was away for half a minute). An EventSource stops
  for good on each: `readyState` is CLOSED. The page tries again after 429 and 5xx, and offers to reload after
  the others.
- While the database is away for a moment, open connections stay open; they catch up afterwards. When it says
  nothing for about ten seconds they end, and a new one waits up to half a minute for it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from agentforge.problems import problem

from .admission import Refused, Ticket, admit, requested_page, requested_positions
from .hub import Hub, current_hub
from .stream_limits import OpenStream
from .viewer import PUSH, Viewer

logger = logging.getLogger(__name__)

_STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
_REFUSAL_HEADERS = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def live(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one connection, as an ASGI application."""
    await LiveConsumer(scope, send).run(receive)


class LiveConsumer:
    """One viewer's connection.

    Not an AsyncConsumer of Channels: docs/decisions/0104-plain-live-consumer.md.
    """

    def __init__(self, scope: dict[str, Any], send: Send) -> None:
        self.scope, self.send = scope, send

    async def run(self, receive: Receive) -> None:
        """Respond until the client goes."""
        while (message := await receive())["type"] == "http.request" and message.get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        response: Any = asyncio.current_task()
        gone = asyncio.ensure_future(receive())
        gone.add_done_callback(lambda _: gone.cancelled() or response.cancel())
        try:
            await self._respond()
        except asyncio.CancelledError:
            # If the client is still there, the server ends.
            if not gone.done():
                raise
            response.uncancel()
        finally:
            gone.cancel()

    async def _respond(self) -> None:
        try:
            positions = requested_positions(self.scope)
            page = requested_page(self.scope)
            hub = current_hub()
            with hub.limits.of_address(self.scope):
                ticket = await admit(self.scope, positions, hub)
                with hub.limits.of_user(ticket.subjects[0], page) as stream:
                    await self._follow(hub, positions, ticket, stream)
        except Refused as refused:
            await self._refuse(refused)
        except Exception:
            logger.exception("A live stream could not be opened")
            await self._refuse(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here."))

    async def _follow(
        self, hub: Hub, positions: Mapping[str, int], ticket: Ticket, stream: OpenStream
    ) -> None:
        viewer = Viewer(hub, positions, ticket, self.scope.get("extensions", {}).get(PUSH))
        stream.leave = viewer.leave
        try:
            await self._start(HTTPStatus.OK, _STREAM_HEADERS)
            # Random, so that not all clients reconnect to a restarted server at once.
            await self._body(f"retry: {1000 + secrets.randbelow(2000)}\n\n".encode())
            await viewer.run(self._body)
        except Exception:
            logger.exception("A live stream broke; its viewer will reconnect")
        finally:
            await self._body(b"", more=False)

    async def _refuse(self, refused: Refused) -> None:
        await self._start(refused.status, {**_REFUSAL_HEADERS, **refused.headers})
        body = problem(refused.status, refused.sentence).content if refused.sentence else b""
        await self._body(body, more=False)

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _body(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})
