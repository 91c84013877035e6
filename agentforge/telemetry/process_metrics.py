"""What web processes count: requests, live viewers, delivery.

Processes that share a port count in shared files, since a scrape reaches any of them; see web_processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

# Their times of creation would double the series.
_leave_them_out: Callable[[], None] = prometheus_client.disable_created_metrics
_leave_them_out()
_collect_shared: Callable[[CollectorRegistry], object] = MultiProcessCollector

# The folder of the shared files; prometheus_client reads this name when it is imported.
SHARED_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"

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
LIVE_VIEWERS = Gauge(
    "agentforge_live_viewers", "Open live streams", registry=REGISTRY, multiprocess_mode="livesum"
)
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


def exposition() -> bytes:
    """Return the counts of this process, or of all that share its port, in Prometheus' text format."""
    if SHARED_COUNTERS not in os.environ:
        return generate_latest(REGISTRY)
    shared = CollectorRegistry()
    _collect_shared(shared)
    return generate_latest(shared)
