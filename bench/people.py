"""Measure people beside builds: 20 readers of pages and logs while 6 agents are compiled.

The rivals are the same readers without builds, and the same builds without readers. The three alternate, so
that other programs of the machine disturb them alike. With an argument, readers pause that many seconds
after a page; 0 is as fast as pages come.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .stage import ROOT, agent, database

if TYPE_CHECKING:
    from builds.models import Build
    from configs.models import AgentConfig

READERS, PAUSE = 20, 3.0
BUILDS, ROUNDS = 6, 3
LOG_LINES = 2000
# The milliseconds of each page by the kind of page.
Times = dict[str, list[float]]


@dataclass
class Round:
    """Milliseconds of pages, by kind, with and without builds; seconds of builds with and without readers."""

    pages: Times = field(default_factory=dict)
    pages_alone: Times = field(default_factory=dict)
    builds: float = 0.0
    builds_alone: float = 0.0


@dataclass
class Readers:
    """What reads the pages, while it runs; `milliseconds` is filled at its end."""

    milliseconds: Times = field(default_factory=dict)


def main() -> None:
    # Each round builds what no round before it built, as one person.
    os.environ |= {"MOST_QUEUED_BUILDS": "0", "MOST_RUNNING_BUILDS": "0", "ACCESS_LOG": "0"}
    pause = float(sys.argv[1]) if sys.argv[1:] else PAUSE
    with database(), _worker():
        _measure(pause)


@contextmanager
def _worker() -> Iterator[None]:
    # As in the Procfile.
    command = [sys.executable, "manage.py", "procrastinate", "worker", "--name", "worker"]
    options = ["--queues", "builds,builder,upkeep", "--concurrency", "4"]
    with subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.DEVNULL) as worker:
        try:
            yield
        finally:
            worker.terminate()


def _measure(pause: float) -> None:
    from tests.drivers.people import bearer_of
    from tests.drivers.web_process import WebProcess

    agents = [agent(f"Agent {number}", f"agent-{number}") for number in range(BUILDS)]
    first = _build(agents, "warms up everything once")
    pages = _pages(agents[0], _read_build(first[0]))
    token = bearer_of(agents[0].owner)
    rounds = []
    with WebProcess() as web:
        with _reading(web.url, token, 0.5, pages):
            time.sleep(2)
        for number in range(ROUNDS):
            one = Round()
            one.builds_alone = _seconds(agents, f"alone {number}")
            with _reading(web.url, token, pause, pages) as readers:
                one.builds = _seconds(agents, f"beside readers {number}")
            one.pages = readers.milliseconds
            with _reading(web.url, token, pause, pages) as readers:
                time.sleep(one.builds)
            one.pages_alone = readers.milliseconds
            rounds.append(one)
    _print(rounds, pause)


def _pages(ada: AgentConfig, build: Build) -> dict[str, str]:
    """Return the path of each page by its name."""
    from django.urls import reverse

    page = reverse("builds:detail", args=[build.pk])
    lists = {"agents": reverse("configs:list"), "builds": reverse("builds:list")}
    return {**lists, "agent": reverse("builds:agent", args=[ada.pk]), "build": page, "log": f"{page}log.txt"}


def _read_build(build: Build) -> Build:
    """Return a finished build with a long log."""
    from agentforge.live.streams import create_stream
    from agentforge.live.writer import StreamWriter
    from builds.logs.build_log import BuildLog
    from builds.models import Build

    read = Build.objects.create(owner=build.owner, revision=build.revision, status="succeeded")
    create_stream(read.stream_name, read.owner_id)
    with StreamWriter(read.stream_name) as writer:
        log = BuildLog(writer.write, write_lines=writer.write_many)
        log.lines("out", [f"github.com/some/package{number}" for number in range(LOG_LINES)])
        log.close()
        writer.flush()
    return read


@contextmanager
def _reading(url: str, token: str, pause: float, pages: dict[str, str]) -> Iterator[Readers]:
    named = [f"{name}={path}" for name, path in pages.items()]
    command = [sys.executable, "-m", "bench.readers", url, str(READERS), str(pause), *named]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe) as process:
        assert process.stdin
        process.stdin.write(f"{token}\n")
        process.stdin.flush()
        readers = Readers()
        yield readers
        output, _ = process.communicate(timeout=120)
    if process.returncode:
        raise SystemExit("The readers failed.")
    readers.milliseconds = json.loads(output)


def _seconds(agents: list[AgentConfig], description: str) -> float:
    started = time.perf_counter()
    _build(agents, description)
    return time.perf_counter() - started


def _build(agents: list[AgentConfig], description: str) -> list[Build]:
    """Compile each agent with a new description, all at once; return when the last one has ended."""
    from builds.logs.follower import follow
    from builds.services import enqueue_build
    from configs.models import AgentConfig

    builds = []
    for each in agents:
        AgentConfig.objects.filter(pk=each.pk).update(description=f"{each.name} {description}")
        builds.append(enqueue_build(each, by=each.owner))
    for _ in follow([build.stream_name for build in builds], lambda: False):
        pass
    for build in builds:
        build.refresh_from_db()
        if (build.status, build.from_cache) != ("succeeded", False):
            raise SystemExit(f"A build did not end as it should: {build.status} {build.error}")
    return builds


def _print(rounds: list[Round], pause: float) -> None:
    named = {"readers": READERS, "pause_s": pause, "builds": BUILDS, "rounds": len(rounds)}
    for kind in ["", *rounds[0].pages]:
        pages = _percentiles([one.pages for one in rounds], kind)
        alone = _percentiles([one.pages_alone for one in rounds], kind)
        rival = {"rival": "without builds", **{f"rival_{name}": value for name, value in alone.items()}}
        print(json.dumps({"figure": "pages_beside_builds", "kind": kind or "all", **named, **pages, **rival}))
    ratio = statistics.median(one.builds / one.builds_alone for one in rounds)
    seconds = statistics.median(one.builds for one in rounds)
    without = statistics.median(one.builds_alone for one in rounds)
    values = {"ratio": round(ratio, 2), "seconds": round(seconds, 2)}
    rival_values = {"rival": "without readers", "rival_seconds": round(without, 2)}
    print(json.dumps({"figure": "builds_beside_readers", **named, **values, **rival_values}), flush=True)


def _percentiles(rounds: list[Times], kind: str) -> dict[str, float]:
    """Return the percentiles of the pages of a kind; of all pages if it is empty."""
    found = [ms for times in rounds for name, values in times.items() if kind in ("", name) for ms in values]
    cuts = statistics.quantiles(found, n=100)
    return {"pages": len(found), "p50_ms": round(cuts[49], 1), "p95_ms": round(cuts[94], 1)}


if __name__ == "__main__":
    main()
