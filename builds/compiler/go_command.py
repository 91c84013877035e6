"""Run the go command in the sandbox, with its own environment and directories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import priority, processes, resource_errors, sandbox
from .toolchain import Toolchain, zig_cache

# Of 100, which the forge's own processes have: they are the first to get a processor.
_WEIGHT = 10
COMPILE_LIMITS = {
    "gcc": sandbox.Limits(seconds=180, data=512, cpu_weight=_WEIGHT),
    "zig": sandbox.Limits(seconds=300, data=1024, cpu_weight=_WEIGHT),
    "none": sandbox.Limits(seconds=180, data=512, cpu_weight=_WEIGHT),
}
_PACKAGE = re.compile(r"[a-z0-9_./-]+")
# An empty cache means compiling the standard library as well.
_COLD_SECONDS = 900
_isolated: ContextVar[Path | None] = ContextVar("isolated_cache", default=None)


def go_directory() -> Path:
    path = Path(settings.AGENTFORGE_GO_DIR)
    path.mkdir(parents=True, exist_ok=True)
    return path


def remove_older(directory: Path, seconds: float, now: float) -> int:
    """Remove the files that were written or touched longer ago; return their number."""
    removed = 0
    for path in directory.iterdir():
        # Another process may remove it at the same time.
        with suppress(FileNotFoundError):
            if now - path.stat().st_mtime > seconds:
                path.unlink()
                removed += 1
    return removed


def cache_directory() -> Path:
    isolated = _isolated.get()
    if isolated is not None:
        return isolated
    path = go_directory() / "cache"
    path.mkdir(exist_ok=True)
    return path


def has_isolated_cache() -> bool:
    """Return whether the current task compiles with its own cache instead of the machine's."""
    return _isolated.get() is not None


@contextmanager
def isolated_cache(cache: Path) -> Iterator[None]:
    """Compile with this initially empty cache inside the block, and allow writes to it."""
    token = _isolated.set(cache)
    try:
        yield
    finally:
        _isolated.reset(token)


async def run_go(
    toolchain: Toolchain,
    command: list[str],
    tree: Path,
    home: Path,
    on_line: processes.OnLine,
    *,
    limits: sandbox.Limits,
    may_write_cache: bool = False,
    reads: Sequence[Path] = (),
) -> None:
    """Run a Go command in the sandbox: it reads GOROOT and the cache, and writes only below `home`.

    Raises BuildError with the last lines of stderr if it fails, is killed or times out; Exhausted if the
    machine ran out of disk space or memory.
    """
    cache = cache_directory()
    writes, caches = ([home, cache], []) if may_write_cache or has_isolated_cache() else ([home], [cache])
    if toolchain.cc_kind == "zig":
        writes.append(zig_cache(cache))
        writes[-1].mkdir(exist_ok=True)
    access = sandbox.FileAccess(tree, writes=writes, reads=[*caches, *toolchain.directories, *reads])
    errors: list[str] = []

    def collect(stream: str, text: str) -> None:
        on_line(stream, text)
        if stream == "err":
            errors.append(text)

    environment = toolchain.environment(cache=cache, home=home)
    status = await processes.run(
        sandbox.wrap(priority.behind_people(command), access, limits),
        directory=tree,
        environment=environment,
        seconds=limits.seconds,
        output_bytes=limits.output_bytes,
        on_line=collect,
    )
    if status.flooded:
        raise BuildError(f"The compiler printed more than {limits.output} MB and was stopped.", exit_code=-9)
    if status.timed_out:
        raise BuildError(
            f"The compiler took longer than {limits.seconds:.0f} s and was stopped.", exit_code=-9
        )
    if status.exit_code != 0:
        if exhausted := resource_errors.diagnose(errors, status.exit_code, limits):
            raise exhausted
        raise BuildError(_compiler_message(errors), exit_code=status.exit_code)


async def go_build(
    toolchain: Toolchain,
    package: str,
    output: Path,
    mode: str,
    tree: Path,
    home: Path,
    log: BuildLog,
    *,
    is_cold: bool = False,
) -> None:
    """Build one package in the sandbox, and log the command and the compiler's output.

    What was not warmed up gets the time of a cold cache. Raises BuildError with the compiler's message.
    """
    command = toolchain.build_command(package=package, output=output, mode=mode)
    log_command(command, home, log)
    limits = COMPILE_LIMITS[toolchain.cc_kind]
    if is_cold:
        limits = replace(limits, seconds=_COLD_SECONDS)
    if has_isolated_cache():
        limits = replace(limits, seconds=_COLD_SECONDS, data=max(limits.data, 1024), cpu_seconds=300)
    await run_go(toolchain, command, tree, home, line_of(log), limits=limits)


def log_command(command: list[str], home: Path, log: BuildLog) -> None:
    log.line("out", "$ go " + " ".join(command[1:]).replace(str(home), "$WORK"))


def line_of(log: BuildLog) -> processes.OnLine:
    """Return a function that logs a line of Go's output."""
    # Go prints the packages that it compiles on stderr: progress, not errors.
    return lambda stream, text: log.line("out" if _PACKAGE.fullmatch(text) else stream, text)


def ignore_line(stream: str, text: str) -> None:
    """Take a line of Go's output that nobody follows; a failure is raised all the same."""


def _compiler_message(lines: list[str]) -> str:
    """Return the errors in Go's stderr: what follows the first `# package` line."""
    start = next((number for number, line in enumerate(lines) if line.startswith("# ")), None)
    errors = lines[start + 1 :] if start is not None else lines[-5:]
    return "\n".join(errors[:20]) or "The compiler failed without a message."
