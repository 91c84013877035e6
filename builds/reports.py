"""Gather what the pages say about builds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Avg, F

from agentforge.live import streams
from agentforge.live.log import StreamMissing

from .compiler import STEPS
from .models import Artifact, Build, BuildStatus

# More lines than this are left to the raw log.
MOST_LINES = 2000
UNFINISHED = (BuildStatus.QUEUED, BuildStatus.RUNNING)


@dataclass
class Transcript:
    """Hold what a build's log says up to `position`: its last lines and its steps."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    position: int = 0
    total: int = 0
    ended: bool = False

    @property
    def hidden(self) -> int:
        """Return how many earlier lines are not among `lines`."""
        return self.total - len(self.lines)


def transcript(build: Build) -> Transcript:
    """Read a build's log once, from its start to its present end."""
    found = Transcript()
    steps: dict[str, dict[str, Any]] = {}
    for seq, record in _records(build):
        found.position = seq
        match record["kind"]:
            case "line":
                found.total += 1
                found.lines.append({"n": found.total, **record})
            case "step":
                steps[record["name"]] = record
            case "end":
                found.ended = True
    found.lines = found.lines[-MOST_LINES:]
    if build.status in UNFINISHED:
        steps = {**{name: {"name": name, "state": "pending"} for name in STEPS}, **steps}
    found.steps = list(steps.values())
    return found


def log_text(build: Build) -> Iterator[str]:
    """Yield a build's log as text, a line at a time: UTC time, stream, text."""
    for _, record in _records(build):
        if record["kind"] == "line":
            at = datetime.fromtimestamp(record["t"], UTC).isoformat(timespec="milliseconds")
            yield f"{at.replace('+00:00', 'Z')} {record['stream']} {record['text']}\n"


def _records(build: Build) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from streams.read(build.stream_name)
    except StreamMissing:
        # The log has its own life and is pruned by age; the build itself stays.
        return


def plugin_of(build: Build) -> Artifact | None:
    """Return the plugin among a build's files."""
    plugin: Artifact | None = build.artifacts.filter(name__endswith=".so").first()
    return plugin


def duration(build: Build) -> timedelta | None:
    """Return how long a build ran, None when it has not ended or never began."""
    if build.started_at is None or build.finished_at is None:
        return None
    return build.finished_at - build.started_at


def usual_duration(build: Build) -> timedelta | None:
    """Return how long the owner's last builds took on average; None without any."""
    recent = Build.objects.filter(owner_id=build.owner_id, status=BuildStatus.SUCCEEDED, from_cache=False)
    newest = recent.order_by("-pk").values("pk")[:10]
    average = Build.objects.filter(pk__in=newest).aggregate(took=Avg(F("finished_at") - F("started_at")))
    took: timedelta | None = average["took"]
    return took
