"""Requests to Netlify's API: time limits, delays and retries.

Sources: observed behaviour of the API (429 names the second at which requests are accepted again; uploads are
sometimes refused with a spurious 401; a create whose response was lost may have taken effect).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from agentforge import outbound
from agentforge.retry import Backoff
from deployments.hosts.base import Content, HostError, OnSent, Reason

from .errors import error_for

# Netlify itself cuts requests off after 30 seconds.
SECONDS = 35.0
MAX_FAULTS = 5
MAX_WAITS = 5
FIRST_DELAY = 0.5
MAX_DELAY = 15.0
# The wait after a 429 that names no time, and the longest one accepted.
WAIT_SECONDS = 5.0
MAX_WAIT_SECONDS = 90.0
# The slowest upload accepted, in bytes per second.
_MIN_RATE = 50_000
_MAX_RESPONSE = 16 * 1024 * 1024

# Called with the seconds to wait; raises Stopped when the work is cancelled meanwhile.
Sleep = Callable[[float], None]
# Called before each wait with a message and the seconds.
Notify = Callable[[str, float], None]


class OutcomeUnknown(Exception):
    """A request that must not be repeated blindly may have taken effect."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    # What it does, for messages: "creating the site".
    doing: str
    query: Mapping[str, str] | None = None
    body: Any = None
    content: Content | None = None
    on_sent: OnSent | None = None
    # Not idempotent: never repeated here.
    once: bool = False


class Faults:
    """The temporary failures of one request, with growing delays between its attempts."""

    def __init__(self, doing: str, sleep: Sleep, notify: Notify) -> None:
        self._doing, self._sleep, self._notify = doing, sleep, notify
        self._backoff = Backoff(FIRST_DELAY, MAX_DELAY)
        self.count = 0

    def wait(self, fault: str) -> None:
        """Wait before the next attempt; raises HostError after too many faults."""
        self.count += 1
        if self.count > MAX_FAULTS:
            message = f"Netlify failed {self.count} times in a row while {self._doing}: {fault}"
            raise HostError(Reason.UNREACHABLE, f"{message} Try again later.")
        # Jitter, so that uploads that failed together are not retried together.
        seconds = self._backoff.next() * (0.75 + random.random() / 2)  # noqa: S311
        self._notify(f"{fault} Trying again ({self.count} of {MAX_FAULTS}).", seconds)
        self._sleep(seconds)


class Api:
    """Netlify's API, used with one token."""

    def __init__(self, token: str, sleep: Sleep = time.sleep, notify: Notify | None = None) -> None:
        self._token = token
        self._sleep = sleep
        self._notify = notify or (lambda _message, _seconds: None)

    def faults(self, doing: str) -> Faults:
        return Faults(doing, self._sleep, self._notify)

    def json(self, request: Request) -> Any:
        """Return the JSON of a successful response, None for an empty one.

        Raises HostError, or OutcomeUnknown for a request with `once`.
        """
        reply = self.reply(request)
        if not reply.body:
            return None
        try:
            return json.loads(reply.body)
        except ValueError as error:
            message = f"Netlify's response is not JSON while {request.doing}. Try again later."
            raise HostError(Reason.UNREACHABLE, message) from error

    def reply(self, request: Request) -> outbound.Reply:
        """Return a successful response, after as many attempts as the kind of failure allows."""
        faults = self.faults(request.doing)
        waits = refusals = 0
        while True:
            try:
                reply = self._send(request, attempt=faults.count + waits + refusals)
            except outbound.Unreachable as error:
                fault = str(error)
            except outbound.OutboundError as error:
                raise HostError(Reason.UNREACHABLE, str(error)) from error
            else:
                if 200 <= reply.status < 300:
                    return reply
                if reply.status == 429 and waits < MAX_WAITS:
                    waits += 1
                    self._wait_for_limit(reply)
                    continue
                if reply.status == 401 and request.content is not None and not refusals:
                    refusals += 1
                    continue
                if reply.status < 500:
                    raise error_for(reply, request.doing)
                fault = f"Netlify had an internal error ({reply.status})."
            if request.once:
                raise OutcomeUnknown(fault)
            faults.wait(fault)

    def _wait_for_limit(self, reply: outbound.Reply) -> None:
        try:
            seconds = max(1.0, float(reply.headers["x-ratelimit-reset"]) - time.time())
        except (KeyError, ValueError):
            seconds = WAIT_SECONDS
        if seconds > MAX_WAIT_SECONDS:
            message = f"Netlify limits the rate of requests. Try again in {seconds / 60:.0f} minutes."
            raise HostError(Reason.RATE_LIMITED, message)
        self._notify("Netlify limits the rate of requests; continuing when it allows.", seconds)
        self._sleep(seconds)

    def _send(self, request: Request, attempt: int) -> outbound.Reply:
        url = f"{settings.AGENTFORGE_NETLIFY_URL}{quote(request.path)}"
        if request.query:
            url = f"{url}?{urlencode(request.query)}"
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "AgentForge"}
        if request.content is not None and request.on_sent is not None:
            counted = _CountedContent(request.content, request.on_sent)
            return self._upload(url, headers, request, counted, attempt)
        content = b""
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(request.body).encode()
        elif request.method in ("POST", "PUT"):
            headers["Content-Length"] = "0"
        return outbound.fetch(
            request.method, url, headers=headers, content=content, seconds=SECONDS, max_bytes=_MAX_RESPONSE
        )

    def _upload(
        self, url: str, headers: dict[str, str], request: Request, counted: _CountedContent, attempt: int
    ) -> outbound.Reply:
        headers |= {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(counted.size),
            **({"X-Nf-Retry-Count": str(attempt)} if attempt else {}),
        }
        seconds = SECONDS + counted.size / _MIN_RATE
        done = False
        try:
            reply = outbound.fetch(
                request.method, url, headers=headers, content=counted.pieces(), seconds=seconds
            )
            done = 200 <= reply.status < 300
            return reply
        finally:
            if not done:
                counted.take_back()


class _CountedContent:
    """A content that reports its bytes as they are sent."""

    def __init__(self, content: Content, on_sent: OnSent) -> None:
        self._content = content
        self._on_sent = on_sent
        self._count = 0
        self.size = content.size

    def take_back(self) -> None:
        self._on_sent(-self._count)

    def pieces(self) -> Iterator[bytes]:
        for piece in self._content.pieces():
            yield piece
            self._count += len(piece)
            self._on_sent(len(piece))
