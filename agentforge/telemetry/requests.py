"""Each request's id, and the line that the log has for it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from agentforge.probe_hosts import is_probe
from agentforge.redaction import BLANK

from .context import REQUEST_ID, accepted_request_id, log_context
from .process_metrics import LIVE, count_request
from .tracing import Span, SpanKind, trace_parent, traced

logger = logging.getLogger("agentforge.access")

HEADER = "X-Request-ID"
# What the log says of a client that went before it was answered; nginx made the number customary.
CLIENT_GONE = 499
# A mailed link has its token in its path.
_TOKEN = re.compile(r"(?<=/)[\w.:~=%-]{24,}(?=/|$)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_Message = dict[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


def loggable_path(path: str) -> str:
    """Return a path without what may be a token: a long part that is no UUID."""
    return _TOKEN.sub(lambda part: part[0] if _UUID.fullmatch(part[0]) else BLANK, path)


class ServedRequest:
    """One request from its first byte to its answer's last."""

    def __init__(self, method: str, path: str, offered_id: str, parent: str = "") -> None:
        trace_id, self.parent_span = trace_parent(parent)
        self.id = accepted_request_id(offered_id or trace_id)
        self.method, self.path = method, loggable_path(path)
        # The pattern of its URL, which metrics can count by; empty until Django has found it.
        self.route = ""
        self.status = CLIENT_GONE
        self._began = time.monotonic()

    def end(self) -> None:
        """Count and log the request."""
        seconds = time.monotonic() - self._began
        count_request(self.method, self.route, self.status, seconds)
        if settings.ACCESS_LOG:
            # Probes come every few seconds, and matter when they fail.
            level = logging.DEBUG if is_probe(self.path) and self.status < 400 else logging.INFO
            # Without the query: it may hold a code that signs somebody in.
            fields = {"status": self.status, "ms": round(1000 * seconds, 1), "route": self.route}
            logger.log(level, "%s %s %s", self.method, self.path, self.status, extra=fields)

    def describe(self, span: Span) -> None:
        """Give a span what is known of the request, by OpenTelemetry's names."""
        span.name = f"{self.method} {self.route}".strip()
        span.failed = self.status >= 500
        span.attributes |= {
            "http.request.method": self.method,
            "http.route": self.route,
            "http.response.status_code": self.status,
        }


_served: ContextVar[ServedRequest | None] = ContextVar("served_request", default=None)


@contextmanager
def _serving(request: ServedRequest) -> Iterator[None]:
    token = _served.set(request)
    try:
        with (
            log_context(**{REQUEST_ID: request.id}),
            traced(request.method, SpanKind.SERVER, parent_id=request.parent_span) as span,
        ):
            try:
                yield
            finally:
                request.end()
                request.describe(span)
    finally:
        _served.reset(token)


class RequestLog:
    """An ASGI application that logs what another one answers, pages and live streams alike."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Mapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        offered, parent = (_header(scope, name) for name in (b"x-request-id", b"traceparent"))
        request = ServedRequest(scope["method"], scope["path"], offered, parent)
        # The only route that Django does not answer.
        request.route = LIVE if scope["path"] == f"/{LIVE}" else ""

        async def answer(message: _Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"x-request-id"]
                message = {**message, "headers": [*others, (HEADER.encode(), request.id.encode())]}
            await send(message)

        with _serving(request):
            await self._application(scope, receive, answer)


def _header(scope: Mapping[str, Any], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in reversed(scope["headers"]) if name == wanted), "")


class RequestIdMiddleware:
    """Tells a request's route; begins requests that no `RequestLog` has begun (Django's test client)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        served = _served.get()
        if served is not None:
            return self._answer(request, served)
        offered, parent = (request.headers.get(name, "") for name in (HEADER, "traceparent"))
        served = ServedRequest(request.method or "", request.path, offered, parent)
        with _serving(served):
            response = self._answer(request, served)
            served.status = response.status_code
            return response

    def _answer(self, request: HttpRequest, served: ServedRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.resolver_match is not None:
            served.route = request.resolver_match.route or "/"
        response[HEADER] = served.id
        return response
