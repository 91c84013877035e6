"""Gather what the pages say about builds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Avg, Exists, F, OuterRef

from agentforge.live import streams
from agentforge.live.log import StreamMissing

from .compiler import targets
from .compiler.inputs import steps_of
from .logs.ansi import plain
from .models import PLUGIN, Artifact, Build, BuildStatus, BuildTarget

UNFINISHED = (BuildStatus.QUEUED, BuildStatus.RUNNING)


@dataclass
class Transcript:
    """Hold all that a build's log says up to `position`."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    position: int = 0
    ended: bool = False


def transcript(build: Build) -> Transcript:
    """Read a build's log once, from its start to its present end."""
    found = Transcript()
    said: dict[tuple[str, str], dict[str, Any]] = {}
    for seq, record in _records(build):
        found.position = seq
        match record["kind"]:
            case "line":
                found.lines.append({"n": len(found.lines) + 1, **record})
            case "step":
                said[record.get("section", ""), record["name"]] = record
            case "end":
                found.ended = True
    found.steps = steps(build, said)
    return found


def steps(build: Build, said: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a build's steps: what its log said of them, by section and name, and those to come."""
    to_come = _to_come(build) if build.status in UNFINISHED else {}
    return list({**to_come, **said}.values())


def _to_come(build: Build) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (target.section, name): {"name": name, "section": target.section, "state": "pending"}
        for target in map(targets.get, build.targets)
        for name in steps_of(target)
    }


def log_text(build: Build) -> Iterator[str]:
    """Yield a build's log as text, a line at a time: UTC time, stream, text."""
    for _, record in _records(build):
        if record["kind"] == "line":
            at = datetime.fromtimestamp(record["t"], UTC).isoformat(timespec="milliseconds")
            yield f"{at.replace('+00:00', 'Z')} {record['stream']} {plain(record['text'])}\n"


def _records(build: Build) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from streams.read(build.stream_name)
    except StreamMissing:
        # The log has its own life and is pruned by age; the build itself stays.
        return


def plugin_of(build: Build) -> Artifact | None:
    """Return the plugin among a build's files."""
    plugin: Artifact | None = build.artifacts.filter(target=PLUGIN, name__endswith=".so").first()
    return plugin


@dataclass(frozen=True)
class Part:
    """Hold one target of a build with what the pages say of it."""

    row: BuildTarget
    target: targets.Target
    files: list[Artifact]


def parts(build: Build) -> list[Part]:
    """Return the targets of a build with their files."""
    files = list(build.artifacts.all())
    return [
        Part(row, targets.get(row.target), [file for file in files if file.target == row.target])
        for row in build.per_target.all()
    ]


def duration(build: Build | BuildTarget) -> timedelta | None:
    """Return how long a build or a target of it ran, None when it has not ended or never began."""
    if build.started_at is None or build.finished_at is None:
        return None
    return build.finished_at - build.started_at


def usual_duration(build: Build) -> timedelta | None:
    """Return how long the owner's last builds took on average; None without any."""
    recent = Build.objects.filter(
        owner_id=build.owner_id, status=BuildStatus.SUCCEEDED, targets=build.targets
    )
    recent = recent.filter(Exists(BuildTarget.objects.filter(build=OuterRef("pk"), from_cache=False)))
    newest = recent.order_by("-pk").values("pk")[:10]
    average = Build.objects.filter(pk__in=newest).aggregate(took=Avg(F("finished_at") - F("started_at")))
    took: timedelta | None = average["took"]
    return took
