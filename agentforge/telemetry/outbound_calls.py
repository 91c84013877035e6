"""What the log says of calls to other services: host, outcome, milliseconds; no address, no content."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from . import tally
from .services import outcome_class, service_of
from .tracing import SpanKind, traced

logger = logging.getLogger("agentforge.outbound")


class OutboundCall:
    """A call under way; `outcome` is the status of its answer, or what came in place of one."""

    def __init__(self) -> None:
        self.outcome = ""


@contextmanager
def outbound_call(method: str, host: str) -> Iterator[OutboundCall]:
    """Log a call when the block ends; an exception that leaves it is the outcome."""
    call, began = OutboundCall(), time.monotonic()
    with traced(f"{method} {host}", SpanKind.CLIENT) as span:
        try:
            yield call
        except BaseException as error:
            call.outcome = call.outcome or type(error).__name__
            raise
        finally:
            span.attributes |= {"server.address": host, "outcome": call.outcome}
            _record(method, host, call.outcome, time.monotonic() - began)


def _record(method: str, host: str, outcome: str, seconds: float) -> None:
    service = service_of(host)
    tally.count("outbound_calls", service, outcome_class(outcome))
    tally.observe("outbound_seconds", seconds, service)
    extra = {"remote": host, "outcome": outcome, "ms": round(1000 * seconds, 1)}
    logger.info("%s %s: %s", method, host, outcome, extra=extra)


class LoggedClient(httpx.Client):
    """An HTTP client whose calls are logged."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request; a streamed answer counts until its headers are there."""
        with outbound_call(request.method, request.url.host) as call:
            response = super().send(request, **options)
            call.outcome = str(response.status_code)
        return response
