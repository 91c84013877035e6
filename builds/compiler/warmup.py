"""Warm Go's cache with exactly the flags used later, once for each toolchain and version of the sources.

A build that finds the cache cold waits for the warm-up, and says so in its log. The state lies in a
file, so that pages, commands and several workers of a machine see the same one.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import sandbox, sources
from .go_command import cache_directory, go_directory, has_isolated_cache, run_go
from .toolchain import Toolchain
from .workspace import temporary_workspace

COLD, WARMING, WARM, FAILED = "cold", "warming", "warm", "failed"
_LIMITS = sandbox.Limits(seconds=600, data=1024, cpu_seconds=300)
# A warm-up that failed (a full disk, say) is tried again by the first build after this many seconds.
_RETRY_AFTER = 300
_POLL = 0.5
# Builds can't mark what they use in the cache, which they may only read, and Go removes what nobody marked
# for five days (cmd/go/internal/cache, Trim): a warm-up does it, and compiles only what is missing.
_FRESH = 24 * 3600
MOST_CACHE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class State:
    """Say how warm the cache is: `done` of about `total` packages, for the inputs named by `key`."""

    state: str = COLD
    key: str = ""
    done: int = 0
    total: int = 0
    at: float = 0.0
    error: str = ""

    @property
    def settled(self) -> bool:
        lasts = {WARM: _FRESH, FAILED: _RETRY_AFTER}.get(self.state, 0)
        return time.time() - self.at < lasts


def _states() -> Path:
    path = go_directory() / "warmth"
    path.mkdir(exist_ok=True)
    return path


def state(key: str) -> State:
    """Return the state that was last written down for these inputs."""
    return _read(_states() / f"{key}.json")


def latest() -> State:
    """Return the state that was written down last, for whatever inputs."""
    newest = max(_states().glob("*.json"), key=lambda path: path.stat().st_mtime, default=None)
    return _read(newest) if newest else State()


def _read(path: Path) -> State:
    try:
        return State(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return State()


def write(new: State) -> None:
    """Write a state down, for every process of this machine."""
    target = _states() / f"{new.key}.json"
    temporary = target.with_suffix(f".{os.getpid()}")
    try:
        temporary.write_text(json.dumps(asdict(replace(new, at=time.time()))))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def cache_key(toolchain: Toolchain, agent: sources.Sources, program: str = "plugin") -> str:
    """Name what a cache was warmed for: the same Go at another place, or installed anew, needs its own index.

    Go's index of the standard library is found by the path, the sizes and the times of its files
    (cmd/go/internal/modindex, dirHash). Without it a build, which may not write to the cache, ends with
    "package os is not in std".
    """
    installed = (toolchain.goroot / "VERSION").stat().st_mtime_ns
    copy = hashlib.sha256(f"{toolchain.goroot} {installed}".encode()).hexdigest()
    return f"{toolchain.digest[:32]}-{agent.digest_of(program)[:32]}-{copy[:16]}"


@asynccontextmanager
async def locked(name: str, log: BuildLog) -> AsyncIterator[None]:
    """Hold a lock shared by all processes of this machine; who waits says so, with the progress."""
    with (go_directory() / name).open("a") as file:
        said = ""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if (now := progress(latest())) != said:
                    log.say(f"Waiting: {now}")
                    said = now
                await asyncio.sleep(_POLL)
        yield


def progress(current: State) -> str:
    """Say in words how far the warm-up is."""
    if current.state == WARMING:
        return f"Go's cache is being warmed, {current.done} of about {current.total} packages"
    return {WARM: "Go's cache is warm", FAILED: "warming Go's cache failed"}.get(
        current.state, "Go's cache is cold"
    )


async def ensure(
    toolchain: Toolchain, agent: sources.Sources, log: BuildLog, program: str = "plugin"
) -> None:
    """Return when the cache is warm for a program (or can't be warmed: the build then shows why)."""
    key = cache_key(toolchain, agent, program)
    if has_isolated_cache() or state(key).settled:
        return
    if state(key).state == WARM:
        log.say("Go's cache is gone through, which happens once a day.")
    else:
        what = f"{toolchain.goos}/{toolchain.goarch}"
        log.say(f"Go's cache is cold for {what}. This happens once; a quiet machine takes half a minute.")
    async with locked("warm.lock", log):
        if state(key).settled:
            return
        await _warm(toolchain, agent, key, log, program)


async def _warm(toolchain: Toolchain, agent: sources.Sources, key: str, log: BuildLog, program: str) -> None:
    started = time.monotonic()
    with temporary_workspace("warm") as home:
        trees = _lay_out(home, agent, program)
        total = sum([await _count(toolchain, tree, home, package) for tree, package, _ in trees])
        counter = _Counter(State(WARMING, key, 0, total), log)
        try:
            for tree, package, mode in trees:
                command = toolchain.build_command(package=package, output=home / "out", mode=mode)
                on_line = counter.line
                await run_go(toolchain, command, tree, home, on_line, limits=_LIMITS, may_write_cache=True)
        except BuildError as error:
            write(State(FAILED, key, counter.state.done, total, error=str(error)))
            log.say("Go's cache could not be warmed; the build goes on and may say why.")
            return
    write(State(WARM, key, counter.state.done, counter.state.done))
    log.say(f"Go's cache is warm, after {time.monotonic() - started:.1f} s.")


def _lay_out(home: Path, agent: sources.Sources, program: str) -> list[tuple[Path, str, str]]:
    """Lay out an agent with every tool, and a plugin's host; return (directory, package, build mode)s."""
    document = json.dumps({"capabilities": {"tools": sorted(agent.tools)}})
    tree = home / program
    tree.mkdir()
    module = sources.TEMPLATE_MODULE
    sources.lay_out_agent(tree, agent, target=program, module=module, document=document)
    if program != "plugin":
        return [(tree, f"./{program}", "default")]
    host = home / "host"
    host.mkdir()
    sources.lay_out_host(host, agent)
    return [(tree, "./plugin", "plugin"), (host, "./host", "exe")]


async def _count(toolchain: Toolchain, tree: Path, home: Path, package: str) -> int:
    """Count the packages to compile: of std, a plugin's differ from an executable's (-dynlink)."""
    found: list[str] = []

    def on_line(stream: str, text: str) -> None:
        if stream == "out":
            found.append(text)

    command = [toolchain.go_command, "list", "-deps", package]
    try:
        # Go makes the directories of an empty cache first, so this may write to it.
        await run_go(toolchain, command, tree, home, on_line, limits=_LIMITS, may_write_cache=True)
    except BuildError:
        return 0
    return len(found)


class _Counter:
    """Count the packages that `go build -v` names, and write the progress down."""

    def __init__(self, start: State, log: BuildLog) -> None:
        self.state = start
        self._log = log
        write(start)

    def line(self, stream: str, text: str) -> None:
        self.state = replace(self.state, done=self.state.done + 1)
        if self.state.done % 20 == 0:
            write(self.state)
            self._log.say(f"{progress(self.state)} ({text})")


def prune(most: int = MOST_CACHE_BYTES) -> int:
    """Remove the longest unused files until the cache has at most `most` bytes; return the bytes freed.

    The cache no longer counts as warm when something was removed: the next builds look what they lack.
    """
    entries = [(path.stat(), path) for path in cache_directory().glob("*/*") if path.is_file()]
    excess = sum(entry.st_size for entry, _ in entries) - most
    freed = 0
    for entry, path in sorted(entries, key=lambda pair: pair[0].st_mtime):
        if freed >= excess:
            break
        path.unlink(missing_ok=True)
        freed += entry.st_size
    if freed:
        for said in _states().glob("*.json"):
            said.unlink(missing_ok=True)
    return freed
