"""What the pages show of builds: log, steps, targets, files, durations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Avg, Exists, F, OuterRef

from agentforge.live import streams
from agentforge.live.log import StreamMissing

from .compiler import targets
from .compiler.inputs import step_names
from .logs.ansi import plain
from .models import PLUGIN, Artifact, Build, BuildStatus, BuildTarget

UNFINISHED = (BuildStatus.QUEUED, BuildStatus.RUNNING)


@dataclass
class Transcript:
    """The content of a build's log up to `position`."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    position: int = 0
    ended: bool = False


def transcript(build: Build) -> Transcript:
    """Read a build's log from its start to its current end."""
    log = Transcript()
    logged: dict[tuple[str, str], dict[str, Any]] = {}
    for seq, record in _records(build):
        log.position = seq
        match record["kind"]:
            case "line":
                log.lines.append({"n": len(log.lines) + 1, **record})
            case "step":
                logged[record.get("section", ""), record["name"]] = record
            case "end":
                log.ended = True
    log.steps = steps(build, logged)
    return log


def steps(build: Build, logged: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a build's steps: those in its log, by (section, name), and the pending ones."""
    pending = _pending_steps(build) if build.status in UNFINISHED else {}
    return list({**pending, **logged}.values())


def _pending_steps(build: Build) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (target.section, name): {"name": name, "section": target.section, "state": "pending"}
        for target in map(targets.get, build.targets)
        for name in step_names(target)
    }


def log_text(build: Build) -> Iterator[str]:
    """Yield a build's log line by line: UTC time, stream, text."""
    for _, record in _records(build):
        if record["kind"] == "line":
            at = datetime.fromtimestamp(record["t"], UTC).isoformat(timespec="milliseconds")
            yield f"{at.replace('+00:00', 'Z')} {record['stream']} {plain(record['text'])}\n"


def _records(build: Build) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from streams.read(build.stream_name)
    except StreamMissing:
        # The log was pruned; the build stays.
        return


def plugin_of(build: Build) -> Artifact | None:
    plugin: Artifact | None = build.artifacts.filter(target=PLUGIN, name__endswith=".so").first()
    return plugin


@dataclass(frozen=True)
class Part:
    """One target of a build, with its files."""

    row: BuildTarget
    target: targets.Target
    files: list[Artifact]


def parts(build: Build) -> list[Part]:
    files = list(build.artifacts.all())
    return [
        Part(row, targets.get(row.target), [file for file in files if file.target == row.target])
        for row in build.per_target.all()
    ]


def duration(build: Build | BuildTarget) -> timedelta | None:
    """Return how long a build or a target ran; None when it has not finished or never started."""
    if build.started_at is None or build.finished_at is None:
        return None
    return build.finished_at - build.started_at


def usual_duration(build: Build) -> timedelta | None:
    """Return the mean duration of the owner's last compiled builds of the same targets; None without any."""
    recent = Build.objects.filter(
        owner_id=build.owner_id, status=BuildStatus.SUCCEEDED, targets=build.targets
    )
    recent = recent.filter(Exists(BuildTarget.objects.filter(build=OuterRef("pk"), from_cache=False)))
    newest = recent.order_by("-pk").values("pk")[:10]
    average = Build.objects.filter(pk__in=newest).aggregate(took=Avg(F("finished_at") - F("started_at")))
    took: timedelta | None = average["took"]
    return took
