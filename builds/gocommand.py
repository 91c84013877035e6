"""Run the go command in the sandbox, with the environment and the places that are its own."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from django.conf import settings

from . import processes, sandbox
from .errors import BuildError
from .toolchain import Toolchain, zig_cache


def go_directory() -> Path:
    path = Path(settings.AGENTFORGE_GO_DIR)
    path.mkdir(parents=True, exist_ok=True)
    return path


def cache_directory() -> Path:
    path = go_directory() / "cache"
    path.mkdir(exist_ok=True)
    return path


def work_directory() -> Path:
    """Return the directory for throwaway trees."""
    path = Path(settings.VAR_DIR) / "work"
    path.mkdir(parents=True, exist_ok=True)
    return path


async def run_go(
    toolchain: Toolchain,
    command: list[str],
    tree: Path,
    home: Path,
    on_line: processes.OnLine,
    *,
    limits: sandbox.Limits,
    may_write_cache: bool = False,
) -> None:
    """Run a Go command in the sandbox: it sees GOROOT and the cache, and writes below `home` only.

    Raises BuildError with its last lines of stderr when it fails, is killed or takes too long.
    """
    cache = cache_directory()
    writes, reads = ([home, cache], []) if may_write_cache else ([home], [cache])
    if toolchain.cc_kind == "zig":
        kept = zig_cache(cache)
        kept.mkdir(exist_ok=True)
        writes.append(kept)
    room = sandbox.Room(tree, writes=writes, reads=[*reads, *toolchain.places])
    errors: list[str] = []

    def keep(stream: str, text: str) -> None:
        on_line(stream, text)
        if stream == "err":
            errors.append(text)

    finished = await processes.run(
        sandbox.wrap(command, room, limits),
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
        raise BuildError(compiler_message(errors), exit_code=finished.exit_code)


def compiler_message(lines: list[str]) -> str:
    """Return the part of Go's stderr that says what is wrong: from the first `# package` line on."""
    start = next((number for number, line in enumerate(lines) if line.startswith("# ")), None)
    told = lines[start + 1 :] if start is not None else lines[-5:]
    return "\n".join(told[:20]) or "The compiler failed without a message."


def forget_leftovers(older_than: float) -> None:
    """Remove throwaway trees whose build died, when they are older than that many seconds."""
    for path in work_directory().iterdir():
        if time.time() - path.stat().st_mtime > older_than:
            shutil.rmtree(path, ignore_errors=True)
