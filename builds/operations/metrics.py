"""Metrics of builds, for /metrics and the admin dashboard; none is per user."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db.models import Avg, F, Min
from django.utils import timezone
from prometheus_client.core import Metric

from agentforge.administration.metric_registry import gauge, gauges, register
from builds.compiler import go_command
from builds.models import Build, BuildStatus

from .diagnostics import tree_size

# Rates and durations are those of this many builds that finished last.
RECENT = 100
_ENDED = (BuildStatus.SUCCEEDED, BuildStatus.FAILED, BuildStatus.CANCELLED)
# Walking the cache is slow: its size is measured once a minute.
_CACHE_SIZE, _CACHE_SECONDS = "builds.cache_bytes", 60


@dataclass(frozen=True)
class BuildMetrics:
    """The state of all builds at one moment, in seconds and bytes."""

    queued: int
    running: int
    oldest_queued: datetime | None
    ended: dict[str, int]
    seconds: float | None
    disk_free: int
    disk_total: int
    cache_bytes: int

    @property
    def failure_ratio(self) -> float | None:
        """Return the share of the recent builds that failed, ignoring cancelled ones; None without any."""
        counted = self.ended[BuildStatus.SUCCEEDED] + self.ended[BuildStatus.FAILED]
        return self.ended[BuildStatus.FAILED] / counted if counted else None


def measure() -> BuildMetrics:
    """Measure now; the queries read only open builds and the newest ones."""
    queued = Build.objects.filter(status=BuildStatus.QUEUED)
    newest = list(
        Build.objects.order_by("-pk").filter(status__in=_ENDED).values_list("pk", "status")[:RECENT]
    )
    succeeded = [pk for pk, status in newest if status == BuildStatus.SUCCEEDED]
    took = Build.objects.filter(pk__in=succeeded).aggregate(took=Avg(F("finished_at") - F("started_at")))[
        "took"
    ]
    disk = shutil.disk_usage(settings.VAR_DIR)
    return BuildMetrics(
        queued=queued.count(),
        running=Build.objects.filter(status=BuildStatus.RUNNING).count(),
        oldest_queued=queued.aggregate(oldest=Min("created_at"))["oldest"],
        ended={status.value: sum(each == status for _, each in newest) for status in _ENDED},
        seconds=took.total_seconds() if took is not None else None,
        disk_free=disk.free,
        disk_total=disk.total,
        cache_bytes=_cache_bytes(),
    )


def running() -> list[Build]:
    """Return up to 50 running builds, the longest running first."""
    builds = Build.objects.filter(status=BuildStatus.RUNNING).select_related("revision__agent", "owner")
    return list(builds.order_by("started_at")[:50])


def _cache_bytes() -> int:
    size: int | None = cache.get(_CACHE_SIZE)
    if size is None:
        size = tree_size(go_command.cache_directory())
        cache.set(_CACHE_SIZE, size, _CACHE_SECONDS)
    return size


@register
def _metrics() -> Iterator[Metric]:
    now = measure()
    waited = (timezone.now() - now.oldest_queued).total_seconds() if now.oldest_queued else 0.0
    yield gauges("builds", "Unfinished builds", "status", {"queued": now.queued, "running": now.running})
    yield gauge("builds_oldest_queued_seconds", "How long the oldest waiting build has waited", waited)
    yield gauges("builds_recent", f"Results of the last {RECENT} builds", "status", dict(now.ended))
    if now.seconds is not None:
        yield gauge("build_seconds", "Mean duration of those that succeeded", now.seconds)
    yield gauge("disk_free_bytes", "Free bytes on the disk of var/", now.disk_free)
    yield gauge("disk_total_bytes", "Size of the disk of var/", now.disk_total)
    yield gauge("go_cache_bytes", "Size of Go's cache", now.cache_bytes)
