"""Make Netlify's requests: time limits, pauses, and how often which failure is tried again.

Source of the rules: shared experience with its API (429 names the second at which it goes on; uploads are
refused spuriously with 401 now and then; a create whose answer was lost may have taken effect).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from agentforge import outbound
from deployments.hosts.base import Content, HostError, Reason, Sent

from .errors import refusal

# Netlify itself cuts requests at 30 seconds.
SECONDS = 35.0
MOST_FAULTS = 5
MOST_WAITS = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
# Without a time in the answer; and never longer than this at once.
WAIT_SECONDS = 5.0
LONGEST_WAIT = 90.0
# The slowest upload that is waited for, in bytes a second.
_SLOWEST = 50_000
_MAX_ANSWER = 16 * 1024 * 1024

# Called with the seconds to wait; raises Stopped when the work is cancelled meanwhile.
Sleep = Callable[[float], None]
# Told of what is tried again, in words and with the seconds of the pause.
Tell = Callable[[str, float], None]


class InDoubt(Exception):
    """A request that must not be repeated blindly may have taken effect."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    doing: str
    query: Mapping[str, str] | None = None
    body: Any = None
    content: Content | None = None
    sent: Sent | None = None
    # Repeating it could do it twice.
    once: bool = False


class Calls:
    """Ask Netlify with one token."""

    def __init__(self, token: str, sleep: Sleep = time.sleep, tell: Tell | None = None) -> None:
        self._token = token
        self._sleep = sleep
        self._tell = tell or (lambda _words, _seconds: None)

    def json(self, request: Request) -> Any:
        """Return the JSON of a successful answer, None for an empty one.

        Raises HostError, or InDoubt for a request that is made once.
        """
        reply = self.reply(request)
        if not reply.body:
            return None
        try:
            return json.loads(reply.body)
        except ValueError as error:
            told = f"Netlify answered something else than JSON while {request.doing}. Try again later."
            raise HostError(Reason.UNREACHABLE, told) from error

    def reply(self, request: Request) -> outbound.Reply:
        """Return a successful answer, after as many attempts as the kind of failure allows."""
        faults = waits = refused = 0
        while True:
            fault = ""
            try:
                reply = self._send(request, attempt=faults + waits + refused)
            except outbound.Unreachable as error:
                fault = str(error)
            except outbound.OutboundError as error:
                raise HostError(Reason.UNREACHABLE, str(error)) from error
            else:
                if 200 <= reply.status < 300:
                    return reply
                if reply.status == 429 and waits < MOST_WAITS:
                    waits += 1
                    self._wait(reply)
                    continue
                if reply.status == 401 and request.content is not None and not refused:
                    refused += 1
                    continue
                fault = _fault(reply)
                if not fault:
                    raise _refused(reply, request.doing)
            if request.once:
                raise InDoubt(fault)
            faults += 1
            self._give_up_or_pause(faults, fault, request.doing)

    def _give_up_or_pause(self, faults: int, fault: str, doing: str) -> None:
        if faults > MOST_FAULTS:
            told = (
                f"Netlify could not be used while {doing}, {faults} times in a row: {fault} Try again later."
            )
            raise HostError(Reason.UNREACHABLE, told)
        self.pause(faults, fault)

    def pause(self, faults: int, fault: str) -> None:
        """Wait longer with each failure."""
        # Spread, so that uploads that failed together do not come back together.
        seconds = min(FIRST_PAUSE * 2 ** (faults - 1), LONGEST_PAUSE) * (0.75 + random.random() / 2)  # noqa: S311
        self._tell(f"{fault} Trying again ({faults} of {MOST_FAULTS}).", seconds)
        self._sleep(seconds)

    def _wait(self, reply: outbound.Reply) -> None:
        try:
            seconds = max(1.0, float(reply.headers["x-ratelimit-reset"]) - time.time())
        except (KeyError, ValueError):
            seconds = WAIT_SECONDS
        if seconds > LONGEST_WAIT:
            told = f"Netlify limits how fast it is asked. Try again in {seconds / 60:.0f} minutes."
            raise HostError(Reason.RATE_LIMITED, told)
        self._tell("Netlify limits how fast it is asked; going on when it allows.", seconds)
        self._sleep(seconds)

    def _send(self, request: Request, attempt: int) -> outbound.Reply:
        url = f"{settings.AGENTFORGE_NETLIFY_URL}{quote(request.path)}"
        if request.query:
            url = f"{url}?{urlencode(request.query)}"
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "AgentForge"}
        if request.content is not None and request.sent is not None:
            return self._upload(url, headers, request, _Counted(request.content, request.sent), attempt)
        content = b""
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(request.body).encode()
        elif request.method in ("POST", "PUT"):
            headers["Content-Length"] = "0"
        return outbound.fetch(
            request.method, url, headers=headers, content=content, seconds=SECONDS, max_bytes=_MAX_ANSWER
        )

    def _upload(
        self, url: str, headers: dict[str, str], request: Request, counted: _Counted, attempt: int
    ) -> outbound.Reply:
        headers |= {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(counted.size),
            **({"X-Nf-Retry-Count": str(attempt)} if attempt else {}),
        }
        seconds = SECONDS + counted.size / _SLOWEST
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


class _Counted:
    """Tell of a content's bytes as they leave."""

    def __init__(self, content: Content, sent: Sent) -> None:
        self._content = content
        self._sent = sent
        self._count = 0
        self.size = content.size

    def take_back(self) -> None:
        self._sent(-self._count)

    def pieces(self) -> Any:
        for piece in self._content.pieces():
            yield piece
            self._count += len(piece)
            self._sent(len(piece))


def _fault(reply: outbound.Reply) -> str:
    """Say what failed for the moment; empty for an answer that stays."""
    return f"Netlify had a failure of its own ({reply.status})." if reply.status >= 500 else ""


def _refused(reply: outbound.Reply, doing: str) -> HostError:
    if reply.status == 429:
        told = f"Netlify still limits how fast it is asked (429) while {doing}. Try again in some minutes."
        return HostError(Reason.RATE_LIMITED, told)
    return refusal(reply, doing)
