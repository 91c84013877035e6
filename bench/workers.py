"""Measure builds a minute of 1, 2 and 4 workers when compiling takes time but no processor.

The rival is one worker's figure, multiplied. The difference is what workers cost each other in the queue, the
database and the storage.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .stage import ROOT, agent, database

if TYPE_CHECKING:
    from configs.models import AgentConfig

WORKERS = (1, 2, 4)
BUILDS_EACH, SECONDS = 8, 2.0


def main() -> None:
    os.environ |= {"AGENTFORGE_BENCH_SECONDS": str(SECONDS), "MOST_QUEUED_BUILDS": "0"}
    with database():
        ada = agent()
        one = 0.0
        for workers in WORKERS:
            with working(workers):
                # A worker has started once it has finished a build.
                _seconds(ada, workers, f"warms {workers} up")
                a_minute = (
                    60 * workers * BUILDS_EACH / _seconds(ada, workers * BUILDS_EACH, f"{workers} work")
                )
            one = one or a_minute
            named = {"figure": "builds_a_minute", "workers": workers, "compiling_s": SECONDS}
            rival = {"rival": "one worker, multiplied", "rival_value": round(one * workers, 1)}
            linear = round(a_minute / (one * workers), 2)
            print(json.dumps({**named, "value": round(a_minute, 1), **rival, "linear": linear}), flush=True)


@contextmanager
def working(number: int, queues: str = "builds") -> Iterator[None]:
    """Run workers whose compilations take AGENTFORGE_BENCH_SECONDS, and no processor."""
    command = [
        *(sys.executable, "-m", "bench.idle_worker", "--queues", queues),
        *("--concurrency", "1", "--shutdown-graceful-timeout", "1"),
    ]
    started = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(number)]
    try:
        yield
    finally:
        for worker in started:
            worker.terminate()
        for worker in started:
            worker.wait(120)


def _seconds(ada: AgentConfig, number: int, description: str) -> float:
    """Enqueue different builds of an agent and return the seconds until the last one ended."""
    from builds.compiler.targets import EXECUTABLE_KIND, registry
    from builds.logs.follower import follow
    from builds.models import Build
    from builds.services import enqueue_build
    from configs.models import AgentConfig

    target = next(one.name for one in registry().values() if one.kind == EXECUTABLE_KIND and one.is_native)
    builds = []
    started = time.perf_counter()
    for turn in range(number):
        AgentConfig.objects.filter(pk=ada.pk).update(description=f"{description}: {turn}")
        ada.refresh_from_db()
        builds.append(enqueue_build(ada, by=ada.owner, names=[target]))
    for _ in follow([build.stream_name for build in builds], lambda: False):
        pass
    seconds = time.perf_counter() - started
    ended = Build.objects.filter(pk__in=[build.pk for build in builds], status="succeeded")
    if sum(not build.from_cache for build in ended) != number:
        raise SystemExit("Not every build ended as it should.")
    return seconds


if __name__ == "__main__":
    main()
