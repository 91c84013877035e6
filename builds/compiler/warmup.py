"""Warm Go's cache with the flags of the builds, once for each toolchain and version of the sources.

A build that finds the cache cold waits for the warm-up and logs that. The state is in a file, which pages,
commands and all workers of the machine read.
"""

from __future__ import annotations

import asyncio
import contextlib
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

from . import processors, sandbox, sources
from .go_command import cache_directory, go_directory, has_isolated_cache, run_go
from .toolchain import Toolchain
from .workspace import temporary_workspace

INDEXER, DRAFT = "indexer", "draft"
# Spoken by the example, the local model and most providers.
FIRST_API = "openai"
# The packages that agents share, without the standard library's.
RUNTIME = "runtime"
COLD, WARMING, WARM, FAILED = "cold", "warming", "warm", "failed"
_LIMITS = sandbox.Limits(seconds=600, data=1024, cpu_seconds=300)
# Seconds after which the next build retries a failed warm-up (because of a full disk, for example).
_RETRY_AFTER = 300
_POLL = 0.5
# Seconds between two recordings of the progress.
_EVERY = 1.0
# Go removes cache entries that were not marked as used for five days (cmd/go/internal/cache, Trim). Builds
# can't mark them in their read-only cache, so a daily warm-up does, and compiles only what is missing.
_FRESH = 24 * 3600
MOST_CACHE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class State:
    """The progress for the inputs named by `key`: `done` of about `total` packages for `program`."""

    state: str = COLD
    key: str = ""
    done: int = 0
    total: int = 0
    at: float = 0.0
    error: str = ""
    started: float = 0.0
    program: str = "plugin"

    @property
    def settled(self) -> bool:
        lifetime = {WARM: _FRESH, FAILED: _RETRY_AFTER}.get(self.state, 0)
        return time.time() - self.at < lifetime


def _states() -> Path:
    path = go_directory() / "warmth"
    path.mkdir(exist_ok=True)
    return path


def state(key: str) -> State:
    """Return the last recorded state for these inputs."""
    return _read(_states() / f"{key}.json")


def latest(program: str = "plugin") -> State:
    """Return the most recently recorded state for a program; every first build needs a plugin."""
    written: list[tuple[int, Path]] = []
    for path in _states().glob("*.json"):
        # One that goes meanwhile was removed by `prune`.
        with contextlib.suppress(FileNotFoundError):
            written.append((path.stat().st_mtime_ns, path))
    newest_first = (_read(path) for _, path in sorted(written, reverse=True))
    return next((state for state in newest_first if state.program == program), State())


def _read(path: Path) -> State:
    try:
        return State(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return State()


def write(new: State) -> None:
    """Record a state for all processes of this machine."""
    target = _states() / f"{new.key}.json"
    temporary = target.with_suffix(f".{os.getpid()}")
    try:
        temporary.write_text(json.dumps(asdict(replace(new, at=time.time()))))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def cache_key(toolchain: Toolchain, agent: sources.Sources, program: str = "plugin") -> str:
    """Return the key of the warmed inputs, which includes the path and the time of Go's installation.

    Go finds its index of the standard library by the path, sizes and times of its files
    (cmd/go/internal/modindex, dirHash). Without an index a build, whose cache is read-only, fails with
    "package os is not in std".
    """
    installed = (toolchain.goroot / "VERSION").stat().st_mtime_ns
    installation = hashlib.sha256(f"{toolchain.goroot} {installed}".encode()).hexdigest()
    return f"{toolchain.digest[:32]}-{agent.digest_of(program)[:32]}-{installation[:16]}"


@asynccontextmanager
async def machine_lock(name: str, log: BuildLog) -> AsyncIterator[None]:
    """Hold a lock among all processes of this machine; log the progress while waiting for it."""
    with (go_directory() / name).open("a") as file:
        logged = ""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if (current := progress(latest())) != logged:
                    log.info(f"Waiting: {current}")
                    logged = current
                await asyncio.sleep(_POLL)
        yield


def progress(current: State) -> str:
    if current.state == WARMING:
        measure = f", {current.done} of about {current.total} packages" if current.total else ""
        return f"Go's cache is being warmed{measure}"
    return {WARM: "Go's cache is warm", FAILED: "warming Go's cache failed"}.get(
        current.state, "Go's cache is cold"
    )


async def ensure(
    toolchain: Toolchain, agent: sources.Sources, log: BuildLog, program: str = "plugin"
) -> None:
    """Warm the cache for a program if necessary; if that fails, the build goes on and shows why."""
    key = cache_key(toolchain, agent, program)
    if has_isolated_cache() or state(key).settled:
        return
    if state(key).state == WARM:
        log.info("Go's cache is refreshed, which happens once a day.")
    else:
        system = f"{toolchain.goos}/{toolchain.goarch}"
        log.info(f"Go's cache is cold for {system}. Warming it once takes about 40 s on an idle machine.")
    async with machine_lock("warm.lock", log):
        if state(key).settled:
            return
        async with processors.one(log):
            await _warm(toolchain, agent, key, log, program)


async def _warm(toolchain: Toolchain, agent: sources.Sources, key: str, log: BuildLog, program: str) -> None:
    started = time.monotonic()
    with temporary_workspace("warm") as home:
        begun = State(WARMING, key, started=time.time(), program=program)
        write(begun)
        trees = _lay_out(home, agent, program)
        total = sum([await _count(toolchain, tree, home, package) for tree, package, _ in trees])
        # Counting takes seconds on a busy machine, and says nothing about how long compiling will take.
        counter = _Counter(replace(begun, total=total, started=time.time()), log)
        try:
            for tree, package, mode in trees:
                command = toolchain.build_command(package=package, output=home / "out", mode=mode)
                on_line = counter.line
                await run_go(toolchain, command, tree, home, on_line, limits=_LIMITS, may_write_cache=True)
        except BuildError as error:
            write(replace(counter.state, state=FAILED, error=str(error)))
            log.info("Go's cache could not be warmed; the build goes on and may show why.")
            return
    write(replace(counter.state, state=WARM, total=counter.state.done))
    log.info(f"Go's cache is warm, after {time.monotonic() - started:.1f} s.")


def _lay_out(home: Path, agent: sources.Sources, program: str) -> list[tuple[Path, str, str]]:
    """Lay out an agent with every API and tool, and a plugin's host; the indexer contains no agent.

    Returns (directory, package, build mode)s.
    """
    if program == INDEXER:
        alone = home / program
        alone.mkdir()
        sources.lay_out_alone(alone, agent, program)
        return [(alone, f"./{program}", "exe")]
    tree = home / program
    tree.mkdir()
    # The first builds need no more.
    apis = None if program == DRAFT else [FIRST_API]
    sources.lay_out_neutral(tree, agent, target=program, apis=apis)
    if program != "plugin":
        return [(tree, f"./{program}", "default")]
    host = home / "host"
    host.mkdir()
    sources.lay_out_alone(host, agent, "host")
    return [(tree, "./plugin", "plugin"), (host, "./host", "exe")]


async def _count(toolchain: Toolchain, tree: Path, home: Path, package: str) -> int:
    """Count the packages to compile, std included: a plugin's differ from an executable's (-dynlink)."""
    packages: list[str] = []

    def on_line(stream: str, text: str) -> None:
        if stream == "out":
            packages.append(text)

    command = [toolchain.go_command, "list", "-deps", package]
    try:
        # Go first creates the directories of an empty cache.
        await run_go(toolchain, command, tree, home, on_line, limits=_LIMITS, may_write_cache=True)
    except BuildError:
        return 0
    return len(packages)


class _Counter:
    """Count the packages that `go build -v` prints, and record the progress."""

    def __init__(self, start: State, log: BuildLog) -> None:
        self.state = start
        self._log = log
        self._written = time.monotonic()
        write(start)

    def line(self, stream: str, text: str) -> None:
        self.state = replace(self.state, done=self.state.done + 1)
        if time.monotonic() - self._written >= _EVERY:
            self._written = time.monotonic()
            write(self.state)
        if self.state.done % 20 == 0:
            self._log.info(f"{progress(self.state)} ({text})")


def prune(most: int = MOST_CACHE_BYTES) -> int:
    """Remove the least recently used files until the cache has at most `most` bytes; return the bytes freed.

    If a file was removed, the cache counts as cold: the next build restores what it needs.
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
        for path in _states().glob("*.json"):
            path.unlink(missing_ok=True)
    return freed
