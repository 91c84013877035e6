"""What a web process counts by itself: requests, live viewers, delivery. Prometheus scrapes each process."""

from __future__ import annotations

from collections.abc import Callable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Their times of creation would double the series.
_leave_them_out: Callable[[], None] = prometheus_client.disable_created_metrics
_leave_them_out()

REGISTRY = CollectorRegistry()

HTTP_REQUESTS = Counter(
    "agentforge_http_requests",
    "Requests by the pattern of their URL and the status of their answer (499: the client went before it)",
    ("method", "route", "status"),
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "agentforge_http_request_seconds",
    "Time from a request's headers to the end of its answer; live streams are not in it",
    ("route",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)
LIVE_VIEWERS = Gauge("agentforge_live_viewers", "Open live streams", registry=REGISTRY)
LIVE_DELIVERY = Histogram(
    "agentforge_live_delivery_seconds",
    "Time from a record of a live stream to its viewers",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
LIVE = "live/"


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request; without a route, those for no known page are counted together."""
    place = route or "none"
    HTTP_REQUESTS.labels(method if method in _METHODS else "other", place, str(status)).inc()
    if route != LIVE:
        HTTP_SECONDS.labels(place).observe(seconds)
