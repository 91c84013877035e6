"""What web processes count: requests, live viewers, delivery.

Processes that share a port count in shared files, since a scrape reaches any of them; see web_processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

# Their times of creation would double the series.
_leave_them_out: Callable[[], None] = prometheus_client.disable_created_metrics
_leave_them_out()
_chosen_values: Callable[[], type] = values.get_value_class
_collect_shared: Callable[[CollectorRegistry], object] = MultiProcessCollector

# The folder of the shared files, by the name that prometheus_client reads.
SHARED_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"


class ProcessMetrics:
    """What a process counts, in its own memory or in the shared files."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.http_requests = Counter(
            "agentforge_http_requests",
            "Requests by the pattern of their URL and the status of their answer"
            " (499: the client went before it)",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.http_seconds = Histogram(
            "agentforge_http_request_seconds",
            "Time from a request's headers to the end of its answer; live streams are not in it",
            ("route",),
            buckets=(0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10),
            registry=self.registry,
        )
        self.live_viewers = Gauge(
            "agentforge_live_viewers",
            "Open live streams",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.live_delivery = Histogram(
            "agentforge_live_delivery_seconds",
            "Time from a record of a live stream to its viewers",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )


_metrics = ProcessMetrics()
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
LIVE = "live/"


def share(directory: str) -> None:
    """Count from zero, and in files of a directory, together with the other processes that do."""
    global _metrics
    os.environ[SHARED_COUNTERS] = directory
    # Chosen when prometheus_client is imported, and a fork imports nothing anew.
    values.ValueClass = _chosen_values()
    _metrics = ProcessMetrics()


def metrics() -> ProcessMetrics:
    """Return what this process counts."""
    return _metrics


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request; without a route, those for no known page are counted together."""
    place = route or "none"
    _metrics.http_requests.labels(method if method in _METHODS else "other", place, str(status)).inc()
    if route != LIVE:
        _metrics.http_seconds.labels(place).observe(seconds)


def exposition() -> bytes:
    """Return the counts of this process, or of all that share its port, in Prometheus' text format."""
    if SHARED_COUNTERS not in os.environ:
        return generate_latest(_metrics.registry)
    shared = CollectorRegistry()
    _collect_shared(shared)
    return generate_latest(shared)
