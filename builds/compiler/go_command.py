"""Run the go command in the sandbox, with the environment and the places that are its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import processes, resource_errors, sandbox
from .toolchain import Toolchain, zig_cache

COMPILE_LIMITS = {
    "gcc": sandbox.Limits(seconds=180, data=512),
    "zig": sandbox.Limits(seconds=300, data=1024),
    "none": sandbox.Limits(seconds=180, data=512),
}
_PACKAGE = re.compile(r"[a-z0-9_./-]+")
# The standard library is compiled as well where the cache is cold.
_COLD_SECONDS = 900
_isolated: ContextVar[Path | None] = ContextVar("isolated_cache", default=None)


def go_directory() -> Path:
    path = Path(settings.AGENTFORGE_GO_DIR)
    path.mkdir(parents=True, exist_ok=True)
    return path


def cache_directory() -> Path:
    isolated = _isolated.get()
    if isolated is not None:
        return isolated
    path = go_directory() / "cache"
    path.mkdir(exist_ok=True)
    return path


def has_isolated_cache() -> bool:
    """Tell whether what is compiled now has a cache of its own and takes nothing from this machine's."""
    return _isolated.get() is not None


@contextmanager
def isolated_cache(cache: Path) -> Iterator[None]:
    """Let what the body compiles begin with that empty cache, and fill it."""
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
    """Run a Go command in the sandbox: it sees GOROOT and the cache, and writes below `home` only.

    Raises BuildError with its last lines of stderr when it fails, is killed or takes too long, Exhausted when
    the machine had no room or memory for it.
    """
    cache = cache_directory()
    writes, caches = ([home, cache], []) if may_write_cache or has_isolated_cache() else ([home], [cache])
    if toolchain.cc_kind == "zig":
        kept = zig_cache(cache)
        kept.mkdir(exist_ok=True)
        writes.append(kept)
    access = sandbox.FileAccess(tree, writes=writes, reads=[*caches, *toolchain.directories, *reads])
    errors: list[str] = []

    def keep(stream: str, text: str) -> None:
        on_line(stream, text)
        if stream == "err":
            errors.append(text)

    finished = await processes.run(
        sandbox.wrap(command, access, limits),
        directory=tree,
        environment=toolchain.environment(cache=cache, home=home),
        seconds=limits.seconds,
        on_line=keep,
    )
    if finished.timed_out:
        raise BuildError(
            f"The compiler took longer than {limits.seconds:.0f} s and was stopped.", exit_code=-9
        )
    if finished.exit_code != 0:
        if exhausted := resource_errors.diagnose(errors, finished.exit_code, limits):
            raise exhausted
        raise BuildError(compiler_message(errors), exit_code=finished.exit_code)


async def go_build(
    chain: Toolchain, package: str, output: Path, mode: str, tree: Path, home: Path, log: BuildLog
) -> None:
    """Build one package in the sandbox; the log gets the command and what the compiler says.

    Raises BuildError with the compiler's message.
    """
    command = chain.build_command(package=package, output=output, mode=mode)
    log.line("out", "$ go " + " ".join(command[1:]).replace(str(home), "$WORK"))

    def on_line(stream: str, text: str) -> None:
        # Go names the packages that it compiles on stderr; that is progress, and not what went wrong.
        log.line("out" if _PACKAGE.fullmatch(text) else stream, text)

    limits = COMPILE_LIMITS[chain.cc_kind]
    if has_isolated_cache():
        limits = replace(limits, seconds=_COLD_SECONDS, data=max(limits.data, 1024), cpu_seconds=300)
    await run_go(chain, command, tree, home, on_line, limits=limits)


def compiler_message(lines: list[str]) -> str:
    """Return the part of Go's stderr that says what is wrong: from the first `# package` line on."""
    start = next((number for number, line in enumerate(lines) if line.startswith("# ")), None)
    told = lines[start + 1 :] if start is not None else lines[-5:]
    return "\n".join(told[:20]) or "The compiler failed without a message."
