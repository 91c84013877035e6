"""The metrics at /metrics; each app registers its own, and none is per user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agentforge.worker_liveness import DEAD_AFTER

Measure = Callable[[], Iterable[Metric]]
_measures: list[Measure] = []


def register(measure: Measure) -> Measure:
    """Register a function that measures at each scrape."""
    _measures.append(measure)
    return measure


class _Measures(Collector):
    """Measures at the time of the scrape: the database covers all processes."""

    def collect(self) -> Iterator[Metric]:
        for measure in _measures:
            yield from measure()

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering measures nothing."""
        return []


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Measures())
    return generate_latest(registry)


def gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    """Return a single value, named `agentforge_<name>`."""
    return GaugeMetricFamily(f"agentforge_{name}", help_text, value=value)


def gauges(name: str, help_text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    """Return one value per label value, named `agentforge_<name>`."""
    family = GaugeMetricFamily(f"agentforge_{name}", help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


@register
def _queue() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, count(*) FILTER (WHERE status = 'todo'),"
            " count(*) FILTER (WHERE status = 'doing') FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') GROUP BY queue_name ORDER BY queue_name"
        )
        rows = cursor.fetchall()
    yield gauges("jobs_waiting", "Waiting jobs by queue", "queue", {name: todo for name, todo, _ in rows})
    yield gauges("jobs_running", "Running jobs by queue", "queue", {name: doing for name, _, doing in rows})


@register
def _workers() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(extract(epoch FROM now() - min(last_heartbeat)), 0)::float"
            " FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)",
            [DEAD_AFTER],
        )
        alive, age = cursor.fetchone()
    yield gauge("workers", f"Worker processes with a heartbeat within the last {DEAD_AFTER} seconds", alive)
    yield gauge("worker_heartbeat_age_seconds", "Age of the oldest of these heartbeats", age)
