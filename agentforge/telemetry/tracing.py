"""Spans of requests, jobs and outbound calls, sent to an OpenTelemetry collector if one is configured.

OTLP over HTTP in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp. A trace's id follows from its
request's, so that a job in another process joins the trace of the request that asked for it.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import queue
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any
from urllib.parse import unquote

import httpx
from django.conf import settings

from .context import Field, current_request_id
from .log_formats import process_fields

logger = logging.getLogger(__name__)

# Spans that wait to be sent; with more, new ones are dropped: tracing must not take memory or time.
MOST_WAITING = 4096
_MOST_PER_CALL = 512
_COLLECT_SECONDS = 2.0
_CALL_SECONDS = 5.0
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


class SpanKind(IntEnum):
    """The protocol's numbers."""

    SERVER = 2
    CLIENT = 3
    CONSUMER = 5


@dataclass
class Span:
    """What happened between two moments; whoever runs it may rename it and add attributes."""

    name: str
    kind: SpanKind
    parent_id: str
    attributes: dict[str, Field] = field(default_factory=dict)
    failed: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    began: int = field(default_factory=time.time_ns)


_current: ContextVar[Span | None] = ContextVar("span", default=None)
_waiting: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
_some = threading.Event()
_sending = threading.Lock()
_starting = threading.Lock()
_sender: threading.Thread | None = None


def trace_parent(header: str) -> tuple[str, str]:
    """Return the trace and span of a W3C `traceparent` header; empty texts for one that can't be read."""
    match = _PARENT.fullmatch(header)
    return (match[1], match[2]) if match and _TRACE_ID.fullmatch(match[1]) else ("", "")


def trace_id_of(request_id: str) -> str:
    """Return the id of a request's trace: its own id if it has that form, else a hash of it."""
    if _TRACE_ID.fullmatch(request_id):
        return request_id
    return hashlib.sha256(request_id.encode()).hexdigest()[:32] if request_id else secrets.token_hex(16)


@contextmanager
def traced(name: str, kind: SpanKind, *, parent_id: str = "") -> Iterator[Span]:
    """Send a span of the block, below the span that runs; do nothing without a collector."""
    above = _current.get()
    span = Span(name, kind, parent_id or (above.id if above else ""))
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        yield span
        return
    token = _current.set(span)
    try:
        yield span
    except Exception:
        span.failed = True
        raise
    finally:
        _current.reset(token)
        _enqueue(_encoded(span))


def flush() -> None:
    """Send what waits, in this thread; return when it is sent."""
    with _sending:
        while batch := _next_batch():
            _send(batch)


def _enqueue(encoded: dict[str, Any]) -> None:
    global _sender
    try:
        _waiting.put_nowait(encoded)
    except queue.Full:
        return
    _some.set()
    with _starting:
        if _sender is None:
            # It sleeps until there is something to send, and ends with the process, which sends the rest.
            _sender = threading.Thread(target=_keep_sending, name="spans", daemon=True)
            _sender.start()
            atexit.register(flush)


def _keep_sending() -> None:
    while True:
        _some.wait()
        time.sleep(_COLLECT_SECONDS)
        # Before the queue is read: what comes meanwhile wakes it again.
        _some.clear()
        flush()


def _next_batch() -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = []
    while len(batch) < _MOST_PER_CALL:
        try:
            batch.append(_waiting.get_nowait())
        except queue.Empty:
            break
    return batch


def _send(spans: list[dict[str, Any]]) -> None:
    document = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(_resource())},
                "scopeSpans": [{"scope": {"name": "agentforge"}, "spans": spans}],
            }
        ]
    }
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    url = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    try:
        reply = httpx.post(url, json=document, headers=_headers(), timeout=_CALL_SECONDS)
        reply.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Not its text: it may name the address with a password.
        logger.warning("%s spans were not taken by the collector: %s", len(spans), type(error).__name__)


def _headers() -> dict[str, str]:
    """Return OTEL_EXPORTER_OTLP_HEADERS, `name=value,…` with percent-encoded values."""
    pairs = (pair.partition("=") for pair in settings.OTEL_EXPORTER_OTLP_HEADERS.split(",") if "=" in pair)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _resource() -> dict[str, Field]:
    own = process_fields()
    return {
        "service.name": settings.OTEL_SERVICE_NAME,
        "service.instance.id": f"{own['host']}-{own['process']}-{own['pid']}",
        "host.name": own["host"],
        "process.pid": own["pid"],
    }


def _encoded(span: Span) -> dict[str, Any]:
    request_id = current_request_id()
    extra: dict[str, Field] = {"request_id": request_id} if request_id else {}
    return {
        "traceId": trace_id_of(request_id),
        "spanId": span.id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": _attributes({**extra, **span.attributes}),
        "status": {"code": 2 if span.failed else 0},
    }


def _attributes(values: Mapping[str, Field]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Field) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
    return {"stringValue": value}
