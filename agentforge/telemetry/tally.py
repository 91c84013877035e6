"""Counters and histograms of what any process does, kept in the database: workers have no page to scrape.

A process adds up what it counts and writes that at the end of each job, and when it is scraped; what a killed
process had not written is lost. The rows only grow, so that Prometheus can take rates over them, and every
web process shows the same numbers.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, connection
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from psycopg import OperationalError

logger = logging.getLogger(__name__)

_ADD = """
INSERT INTO telemetry_measurement AS old (metric, labels, le, count, total)
SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[], %s::bigint[], %s::float8[])
ON CONFLICT (metric, labels, le) DO UPDATE
SET count = old.count + excluded.count, total = old.total + excluded.total
"""
_READ = "SELECT metric, labels, le, count, total FROM telemetry_measurement"
_Key = tuple[str, str, float]


@dataclass(frozen=True)
class Definition:
    """A metric: its labels, and the upper bounds of a histogram's buckets (none: a counter)."""

    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


_SECONDS = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DEFINITIONS = {
    "jobs": Definition("Jobs that ended, by kind and outcome", ("kind", "outcome")),
    "job_seconds": Definition("How long jobs ran that ended", ("kind",), _SECONDS),
    "job_wait_seconds": Definition("How long jobs waited for a worker", ("kind",), _SECONDS),
    "jobs_requeued": Definition("Jobs that began and went back to the queue", ("kind",)),
    "deployments": Definition("Deployments that ended, by host and outcome", ("host", "outcome")),
    "outbound_calls": Definition("Calls to other services, by service and outcome", ("service", "outcome")),
    "outbound_seconds": Definition("How long these calls took", ("service",), _CALL_SECONDS),
}

_lock = threading.Lock()
_pending: defaultdict[_Key, list[float]] = defaultdict(lambda: [0, 0.0])


def count(metric: str, *labels: str) -> None:
    """Count one; `labels` are the values of the metric's labels."""
    _add((metric, json.dumps(labels), math.inf), 1, 0.0)


def observe(metric: str, value: float, *labels: str) -> None:
    """Count a value in its bucket of a histogram."""
    bounds = DEFINITIONS[metric].buckets
    place = bisect_left(bounds, value)
    le = bounds[place] if place < len(bounds) else math.inf
    _add((metric, json.dumps(labels), float(le)), 1, value)


def flush() -> None:
    """Write what this process has counted; keep it if the database does not answer."""
    with _lock:
        batch = {key: tuple(amounts) for key, amounts in _pending.items()}
        _pending.clear()
    if not batch:
        return
    # In one order, so that two processes never wait for each other.
    rows = sorted((*key, *amounts) for key, amounts in batch.items())
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [list(column) for column in zip(*rows, strict=True)])
    except (DatabaseError, OperationalError) as error:
        logger.warning("Measurements wait for the database: %s", error)
        for key, (number, total) in batch.items():
            _add(key, number, total)


def families() -> Iterator[Metric]:
    """Yield every metric with the values of all processes, named `agentforge_…`."""
    rows: dict[str, dict[str, dict[float, tuple[int, float]]]] = {name: {} for name in DEFINITIONS}
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        for metric, labels, le, number, total in cursor.fetchall():
            if metric in rows:
                rows[metric].setdefault(labels, {})[le] = (number, total)
    for name, definition in DEFINITIONS.items():
        yield (
            _histogram(name, definition, rows[name])
            if definition.buckets
            else _counter(name, definition, rows[name])
        )


def _counter(
    name: str, definition: Definition, rows: dict[str, dict[float, tuple[int, float]]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"agentforge_{name}", definition.help, labels=definition.labels)
    for labels, cells in sorted(rows.items()):
        family.add_metric(_values(labels), sum(number for number, _ in cells.values()))
    return family


def _histogram(
    name: str, definition: Definition, rows: dict[str, dict[float, tuple[int, float]]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"agentforge_{name}", definition.help, labels=definition.labels)
    for labels, cells in sorted(rows.items()):
        seen, buckets = 0, []
        for bound in (*definition.buckets, math.inf):
            # Also what older bounds counted, should they ever change.
            seen = sum(number for le, (number, _) in cells.items() if le <= bound)
            buckets.append(("+Inf" if bound == math.inf else f"{bound:g}", seen))
        family.add_metric(_values(labels), buckets, sum(total for _, total in cells.values()))
    return family


def _values(labels: str) -> Sequence[str]:
    return [str(value) for value in json.loads(labels)]


def _add(key: _Key, number: float, total: float) -> None:
    with _lock:
        amounts = _pending[key]
        amounts[0] += number
        amounts[1] += total
