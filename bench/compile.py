"""Measure a compilation: from the request to the verified, stored artifact.

The rival is a bare `go build` of the same module with the same warm cache, flags and environment: what is
above it is the price of queue, sandbox, live log, loading the plugin, hashing and storing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .stage import ROOT, agent, database

if TYPE_CHECKING:
    from configs.models import AgentConfig

ROUNDS = 7


def main() -> None:
    with database(), _worker():
        _measure()


@contextmanager
def _worker() -> Iterator[None]:
    command = [sys.executable, "manage.py", "procrastinate", "worker"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as worker:
        try:
            yield
        finally:
            worker.terminate()


def _measure() -> None:
    ada = agent()
    _build(ada, "warms up everything once")
    ours, rival, cached = [], [], []
    for number in range(ROUNDS):
        seconds, document = _build(ada, f"Round {number}")
        ours.append(seconds)
        rival.append(_bare_build(document))
        cached.append(_build(ada, f"Round {number}", from_cache=True)[0])
    middle, bare = statistics.median(ours), statistics.median(rival)
    _print("compile_ratio", ratio=middle / bare, seconds=middle, rival="bare go build", rival_seconds=bare)
    again = statistics.median(cached)
    _print("compile_cached", seconds=again, rival="the same build without the cache", rival_seconds=middle)


def _build(ada: AgentConfig, description: str, *, from_cache: bool = False) -> tuple[float, str]:
    """Enqueue a build and wait for its end; return the seconds and what was built."""
    from builds.following import follow
    from builds.services import enqueue_build
    from configs.models import AgentConfig

    AgentConfig.objects.filter(pk=ada.pk).update(description=description)
    started = time.perf_counter()
    build = enqueue_build(ada, by=ada.owner)
    for _ in follow([build.stream_name], lambda: False):
        pass
    seconds = time.perf_counter() - started
    build.refresh_from_db()
    if (build.status, build.from_cache) != ("succeeded", from_cache):
        raise SystemExit(f"The build did not end as it should: {build.status} {build.error}")
    return seconds, build.revision.canonical_json


def _bare_build(document: str) -> float:
    """Build the same module anew, under another module path, so that nothing of it is in the cache."""
    from builds import sources
    from builds.gocommand import cache_directory
    from builds.inputs import gather

    inputs = gather(document)
    module = sources.module_path(f"{document} ", inputs.sources)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        tree = home / "src"
        tree.mkdir()
        sources.lay_out_agent(tree, inputs.sources, target="plugin", module=module, document=document)
        chain = inputs.toolchain
        command = chain.build_command(package="./plugin", output=home / "agent.so", mode="plugin")
        environment = chain.environment(cache=cache_directory(), home=home)
        started = time.perf_counter()
        subprocess.run(command, cwd=tree, env=environment, check=True, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started


def _print(figure: str, **facts: object) -> None:
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in facts.items()}
    print(json.dumps({"figure": figure, **rounded, "rounds": ROUNDS}), flush=True)


if __name__ == "__main__":
    main()
