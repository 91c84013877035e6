"""The metrics at /metrics; each app registers its own, and none is per user."""

from __future__ import annotations

import functools
import platform
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import django
from django.conf import settings
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agentforge.queue.pulse import DEAD_AFTER
from agentforge.telemetry import process_metrics, tally
from agentforge.worker_liveness import services

# Shown also while nothing waits in them: an alert must tell "nothing" from "not measured".
QUEUES = ("builds", "trials", "process", "deployments", "upkeep")
# Jobs are numbered in the order in which they are deferred, so the first one has waited longest. The events
# of all that wait would be found by reading the whole table.
_OLDEST = """
SELECT waiting.queue_name, coalesce(extract(epoch FROM now() - (
    SELECT min(at) FROM procrastinate_events WHERE job_id = waiting.id AND type = 'deferred'
)), 0)::float8
FROM (
    SELECT queue_name, min(id) AS id FROM procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
    GROUP BY queue_name
) AS waiting
"""

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
    return generate_latest(registry) + process_metrics.exposition()


@functools.cache
def project_version() -> str:
    """Return the forge's own version."""
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


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
def _tallies() -> Iterator[Metric]:
    # What this process has counted itself is in it.
    tally.flush()
    yield from tally.families()


@register
def _build_info() -> Iterator[Metric]:
    """Name the versions of what runs; the value is always 1, as is customary."""
    versions = {
        "version": project_version(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "postgresql": str(cast("Any", connection).pg_version // 10_000),
    }
    family = GaugeMetricFamily("agentforge_build_info", "Versions", labels=list(versions))
    family.add_metric(list(versions.values()), 1)
    yield family


@register
def _pool() -> Iterator[Metric]:
    """Measure this process's pool of database connections."""
    pool = cast("Any", connection).pool
    stats = pool.get_stats() if pool else {}
    size, available = stats.get("pool_size", 0), stats.get("pool_available", 0)
    used = {"used": size - available, "free": available}
    yield gauges("database_connections", "Connections of this web process's pool", "state", used)
    yield gauge("database_connections_max", "The most that the pool may have", stats.get("pool_max", 0))
    yield gauge("database_waiting", "Threads that wait for a connection", stats.get("requests_waiting", 0))


@register
def _queue_age() -> Iterator[Metric]:
    """Measure how long the oldest job of each queue has waited that could have started."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        ages = {**dict.fromkeys(QUEUES, 0.0), **dict(cursor.fetchall())}
    yield gauges("queue_oldest_seconds", "How long the oldest waiting job has waited", "queue", ages)


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
    taken = {service.queue: float(service.workers) for service in services()}
    yield gauges("queue_workers", "Those of them that take jobs of a queue", "queue", taken)
