"""What the pages show of builds: log, steps, targets, files, durations."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

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
    """Return a build's steps: those in its log, by (section, name), and what its targets say of the others.

    They come by target and in the order in which each is made, whichever of several ran first. A target from
    the cache has all its steps, as `cached`; one that is not finished has its next ones, as `pending`: all of
    them if it is queued, also after an attempt whose worker died.
    """
    expected: dict[tuple[str, str], dict[str, Any]] = {}
    order: dict[tuple[str, str], int] = {}
    for row in build.per_target.all():
        target = targets.get(row.target)
        order |= {(target.section, name): len(order) + i for i, name in enumerate(step_names(target))}
        if row.status == BuildStatus.QUEUED:
            logged = {key: step for key, step in logged.items() if key[0] != target.section}
        state = "cached" if row.from_cache else "pending"
        if row.from_cache or row.status in UNFINISHED:
            for name in step_names(target):
                expected[target.section, name] = {"name": name, "section": target.section, "state": state}
    found = {**expected, **logged}
    return [found[key] for key in sorted(found, key=lambda key: order.get(key, len(order)))]


def log_text(build: Build) -> Iterator[str]:
    """Yield a build's log in portions of several lines, each of them: UTC time, stream, text."""
    try:
        for chunk in streams.chunks(build.stream_name):
            records = (record for _, record in chunk.records_after(0))
            yield "".join(_text_of(record) for record in records if record["kind"] == "line")
    except StreamMissing:
        # The log was pruned; the build stays.
        return


def _text_of(record: Mapping[str, Any]) -> str:
    seconds, milliseconds = divmod(round(record["t"] * 1_000_000) // 1000, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z {record['stream']} {plain(record['text'])}\n"


@functools.lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """Return a second in UTC; cached, since a log has thousands of lines in one."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def _records(build: Build) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from streams.read(build.stream_name)
    except StreamMissing:
        # The log was pruned; the build stays.
        return


@dataclass(frozen=True)
class Part:
    """One target of a build, with its files."""

    row: BuildTarget
    target: targets.Target
    files: list[Artifact]


@dataclass(frozen=True)
class BuildReport:
    """The one report on a build (law 6), which its page shows; each target speaks for itself."""

    build: Build
    parts: list[Part]
    steps: list[dict[str, Any]]

    @property
    def unfinished(self) -> bool:
        return self.build.status in UNFINISHED

    @property
    def done_steps(self) -> int:
        return sum(step["state"] in ("done", "cached") for step in self.steps)

    @property
    def finished(self) -> list[Part]:
        """Return the targets that succeeded."""
        return [part for part in self.parts if part.row.status == BuildStatus.SUCCEEDED]

    @property
    def plugin(self) -> Artifact | None:
        files = [file for part in self.finished for file in part.files if file.target == PLUGIN]
        return next((file for file in files if file.name.endswith(".so")), None)

    @property
    def offers_next(self) -> bool:
        """Return whether its files are a result to go on with: a cancelled build only keeps them."""
        ended = self.build.status in (BuildStatus.SUCCEEDED, BuildStatus.FAILED)
        return ended and any(part.files for part in self.finished)


def report_of(build: Build, logged: dict[tuple[str, str], dict[str, Any]]) -> BuildReport:
    """Return the report on a build whose log has these steps."""
    return BuildReport(build, parts(build), steps(build, logged))


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
