"""Serve streams as Server-Sent Events at /live/; what a client has to know is this.

    GET /live/?channel=build-42&channel=agent-3[&last_event_id=agent-3:9,build-42:17]

Sign-in is the session cookie or `Authorization: Bearer`. Up to 20 channels share one connection. An event:

    id: build-42:12,agent-3:9
    event: message
    data: {"channel":"build-42","seq":10,"records":[{"t":1.5,"kind":"line",...},{...},{...}]}

- `seq` is the number of the first record; the others follow without gaps, here 10, 11, 12. Every channel's
  numbers start at 1. Each record has `t` (epoch seconds) and `kind`.
- `id` holds the position in all channels of the connection after this event. A browser repeats it by itself
  in `Last-Event-ID`. A page states in `last_event_id` what it has rendered already; of both, the larger
  number counts for each channel, and a channel that neither names starts at 0, with its first record. So
  every record arrives exactly once, whatever happens to the connection.
- `{"kind":"end"}` is the last record of a channel that is closed. When all channels of a connection have
  ended, the response ends; asking again from there gives 204, on which an EventSource stops for good. A
  client may close its EventSource as soon as it has seen `end` on all its channels.
- Something comes at least every 40 s: after 20 quiet seconds a comment line. `retry:` sets how long a browser
  waits before it asks again. After 15 minutes the response ends and sign-in is checked anew; an EventSource
  goes on by itself.
- Who is signed out or disabled meanwhile is cut off at once.
- Refusals are application/problem+json: 400 (no or too many channels, an id that is nonsense or ahead of its
  channel, a host that is not served), 401 (not signed in), 403 (another site's page; the second factor is
  missing where SECOND_FACTOR_PATHS asks for it here), 404 (no such channel, or
  somebody else's), 405, 503 (the database was away for half a minute). An EventSource stops for good on each:
  `readyState` is CLOSED then, and the page offers to be reloaded.
- While the database is away an open connection stays open, and catches up afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from agentforge.problems import problem

from .admission import Refused, Ticket, admit, requested_positions
from .hub import Hub, current_hub
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


class LiveConsumer(AsyncConsumer):
    """Hold one viewer's connection; a side task answers, so that a disconnect is noticed meanwhile."""

    _answer: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._answer is not None:
                self._answer.cancel()

    async def dispatch(self, message: Mapping[str, Any]) -> None:
        # Channels would visit a thread here to close Django's connections; this consumer opens none.
        match message["type"]:
            case "http.request" if not message.get("more_body") and self._answer is None:
                self._answer = asyncio.create_task(self._respond())
            case "http.disconnect":
                raise StopConsumer

    async def _respond(self) -> None:
        try:
            positions = requested_positions(self.scope)
            hub = current_hub()
            ticket = await admit(self.scope, positions, hub)
        except Refused as refused:
            await self._refuse(refused)
        except Exception:
            logger.exception("A live stream could not be opened")
            await self._refuse(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here."))
        else:
            await self._follow(hub, positions, ticket)

    async def _follow(self, hub: Hub, positions: Mapping[str, int], ticket: Ticket) -> None:
        push = self.scope.get("extensions", {}).get(PUSH)
        try:
            await self._start(HTTPStatus.OK, _STREAM_HEADERS)
            # Not all at the same moment, when a server that comes back is asked again by everybody.
            await self._body(f"retry: {1000 + secrets.randbelow(2000)}\n\n".encode())
            await Viewer(hub, positions, ticket, push).run(self._body)
        except Exception:
            logger.exception("A live stream broke; its viewer asks again")
        finally:
            await self._body(b"", more=False)

    async def _refuse(self, refused: Refused) -> None:
        await self._start(refused.status, {**_REFUSAL_HEADERS, **refused.headers})
        told = problem(refused.status, refused.sentence).content if refused.sentence else b""
        await self._body(told, more=False)

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _body(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})
