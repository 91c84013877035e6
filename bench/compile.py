"""Measure a compilation: from the request to the verified, stored artifact.

The rivals are a bare `go build` of the same module with the same warm cache, flags and environment, and one
that finds only the standard library in the cache, as in a fresh checkout. The difference to the first is the
price of queue, sandbox, live log, loading the plugin, hashing and storing.
"""

from __future__ import annotations

import json
import secrets
import shlex
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

ROUNDS = 15
AT_ONCE, AT_ONCE_ROUNDS = 8, 7


def main() -> None:
    with database(), _worker():
        _measure()


@contextmanager
def _worker() -> Iterator[None]:
    # As many at once as in the Procfile.
    command = [sys.executable, "manage.py", "procrastinate", "worker", "--concurrency", "4"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as worker:
        try:
            yield
        finally:
            worker.terminate()


def _measure() -> None:
    ada = agent()
    _build(ada, "warms up everything once")
    _measure_one(ada)
    _measure_at_once(ada)


def _measure_one(ada: AgentConfig) -> None:
    ours, rival, fresh, cached = [], [], [], []
    for number in range(ROUNDS):
        seconds, document = _build(ada, f"Round {number}")
        ours.append(seconds)
        rival.append(_bare_build(document))
        fresh.append(_bare_build(document, is_fresh=True))
        cached.append(_build(ada, f"Round {number}", from_cache=True)[0])
    middle, bare = statistics.median(ours), statistics.median(rival)
    _print(
        "compile_ratio",
        ratio=middle / bare,
        seconds=middle,
        rounds=ROUNDS,
        rival="bare go build",
        rival_seconds=bare,
    )
    anew = statistics.median(fresh)
    rival_name = "bare go build, only the standard library in its cache"
    _print("compile_fresh_ratio", ratio=middle / anew, rival=rival_name, rival_seconds=anew)
    again = statistics.median(cached)
    _print("compile_cached", seconds=again, rival="the same build without the cache", rival_seconds=middle)


def _build(ada: AgentConfig, description: str, *, from_cache: bool = False) -> tuple[float, str]:
    seconds, documents = _builds(ada, [description], from_cache=from_cache)
    return seconds, documents[0]


def _bare_build(document: str, *, is_fresh: bool = False) -> float:
    with tempfile.TemporaryDirectory() as name:
        command, environment, tree = _prepared(Path(name), document, is_fresh=is_fresh)
        started = time.perf_counter()
        subprocess.run(command, cwd=tree, env=environment, check=True, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started


def _prepared(home: Path, document: str, *, is_fresh: bool = False) -> tuple[list[str], dict[str, str], Path]:
    """Write the same module under another module path, so that nothing of the agent's own is cached.

    If it is fresh, the packages that agents share have another path, too.
    """
    from builds.compiler import sources
    from builds.compiler.go_command import cache_directory
    from builds.compiler.inputs import gather

    inputs = gather(document)
    module = f"agent.local/a{secrets.token_hex(8)}"
    tree = home / "src"
    tree.mkdir()
    sources.lay_out_agent(tree, inputs.sources, target="plugin", module=module, document=document)
    if is_fresh:
        _rename_shared(tree, sources.runtime_path(inputs.sources, "plugin", sources.chosen_apis(document)))
    chain = inputs.toolchain
    command = chain.build_command(package="./plugin", output=home / "agent.so", mode="plugin")
    return command, chain.environment(cache=cache_directory(), home=home), tree


def _rename_shared(tree: Path, path: str) -> None:
    another = f"agent.local/r{secrets.token_hex(8)}"
    for file in tree.rglob("*"):
        if file.suffix in (".go", ".mod"):
            file.write_text(file.read_text().replace(path, another))


def _measure_at_once(ada: AgentConfig) -> None:
    """Compare simultaneous builds with as many runs of `go build`, two at a time."""
    ours, rival = [], []
    for number in range(AT_ONCE_ROUNDS):
        seconds, documents = _builds(ada, [f"{number}, {turn} of {AT_ONCE}" for turn in range(AT_ONCE)])
        ours.append(seconds)
        rival.append(_bare_builds(documents))
    ratio = statistics.median(mine / bare for mine, bare in zip(ours, rival, strict=True))
    middle, bare = statistics.median(ours), statistics.median(rival)
    facts = {"seconds": middle, "rival": "go build through xargs -P2", "rival_seconds": bare}
    _print("compile_at_once_ratio", ratio=ratio, builds=AT_ONCE, **facts)


def _builds(
    ada: AgentConfig, descriptions: list[str], *, from_cache: bool = False
) -> tuple[float, list[str]]:
    """Enqueue a build per description and wait for all; return the seconds and the builds."""
    from builds.logs.follower import follow
    from builds.services import enqueue_build
    from configs.models import AgentConfig

    builds = []
    started = time.perf_counter()
    for description in descriptions:
        AgentConfig.objects.filter(pk=ada.pk).update(description=description)
        builds.append(enqueue_build(ada, by=ada.owner))
    for _ in follow([build.stream_name for build in builds], lambda: False):
        pass
    seconds = time.perf_counter() - started
    for build in builds:
        build.refresh_from_db()
        if (build.status, build.from_cache) != ("succeeded", from_cache):
            raise SystemExit(f"The build did not end as it should: {build.status} {build.error}")
    return seconds, [build.revision.canonical_json for build in builds]


def _bare_builds(documents: list[str]) -> float:
    with tempfile.TemporaryDirectory() as name:
        scripts = []
        for number, document in enumerate(documents):
            home = Path(name) / str(number)
            home.mkdir()
            command, environment, tree = _prepared(home, document)
            given = [f"{key}={value}" for key, value in environment.items()]
            scripts.append(home / "build.sh")
            scripts[-1].write_text(f"cd {tree} && exec env -i {shlex.join([*given, *command])}")
        listed = "\n".join(map(str, scripts))
        started = time.perf_counter()
        xargs = ["xargs", "-P2", "-n1", "sh"]
        subprocess.run(xargs, input=listed, text=True, check=True, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started


def _print(figure: str, **facts: object) -> None:
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in facts.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


if __name__ == "__main__":
    main()
