"""Run a command, stream its output by line, and kill its whole process group at the end."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

OnLine = Callable[[str, str], None]
OnLines = Callable[[str, list[str]], None]
_CHUNK = 65536
# The rest of a longer line is dropped, so that an endless line can't fill the memory.
LONGEST_LINE = 1024 * 1024
# Seconds to wait for killed processes.
_DYING = 10


@dataclass(frozen=True)
class ExitStatus:
    """How a command ended; `exit_code` is negative for a signal."""

    exit_code: int
    seconds: float
    timed_out: bool
    flooded: bool = False


class _Flood(Exception):
    """A command prints more than it may."""


class _Budget:
    """The bytes that a command may still print, on stdout and stderr together."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise _Flood


class LineSplitter:
    """Split a byte stream into clean lines: valid UTF-8, no NUL, no bare carriage return."""

    def __init__(self, on_lines: Callable[[list[str]], None]) -> None:
        self._on_lines = on_lines
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._return = ""

    def feed(self, data: bytes, *, final: bool = False) -> None:
        text = self._return + self._decoder.decode(data, final).replace("\0", "\N{REPLACEMENT CHARACTER}")
        # A carriage return at the end of a chunk may be the first half of CRLF.
        self._return = "\r" if text.endswith("\r") and not final else ""
        text = text[: len(text) - len(self._return)].replace("\r\n", "\n").replace("\r", "\n")
        lines = (self._rest + text).split("\n")
        self._rest = lines.pop()[:LONGEST_LINE]
        if final and self._rest:
            lines.append(self._rest)
            self._rest = ""
        if lines:
            self._on_lines(lines)


async def _drain(reader: asyncio.StreamReader, splitter: LineSplitter, budget: _Budget) -> None:
    while data := await reader.read(_CHUNK):
        budget.spend(data)
        splitter.feed(data)
    splitter.feed(b"", final=True)


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass


async def _feed(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """Kill the process group and wait until all its members are dead, even if cancelled meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # A full buffer would hide the end of a pipe, for which asyncio waits too.
    readers = [reader for reader in (process.stdout, process.stderr) if reader is not None]
    await asyncio.shield(asyncio.gather(process.wait(), *map(_discard, readers)))
    with contextlib.suppress(ProcessLookupError):
        # Killed processes die a moment later, and only the leader is our child.
        os.killpg(process.pid, 0)
        await asyncio.shield(asyncio.to_thread(_await_members, process.pid))


def _await_members(group: int) -> None:
    members = [member for member in psutil.process_iter() if _is_in(group, member.pid)]
    psutil.wait_procs(members, timeout=_DYING)


def _is_in(group: int, pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid) == group
    return False


async def run(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    seconds: float,
    output_bytes: int,
    on_line: OnLine | None = None,
    on_lines: OnLines | None = None,
    stdin: bytes | None = None,
) -> ExitStatus:
    """Run a command in its own process group, for at most `seconds` and `output_bytes` printed.

    `on_line` receives (stream, text) for each line, `on_lines` (stream, texts) for each chunk. On
    cancellation the group is killed before CancelledError propagates. Raises OSError if the command can't
    start.
    """
    started = time.monotonic()
    process = await _start(command, directory, environment, with_stdin=stdin is not None)
    timed_out = flooded = False
    try:
        async with asyncio.timeout(seconds):
            await _talk(process, on_lines or _one_by_one(on_line), stdin, _Budget(output_bytes))
            await process.wait()
    except* TimeoutError:
        timed_out = True
    except* _Flood:
        flooded = True
    finally:
        await _end_group(process)
    return ExitStatus(process.returncode or 0, time.monotonic() - started, timed_out, flooded)


async def _start(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], *, with_stdin: bool
) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE if with_stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A cancelled asyncio kills only the leader and waits for the pipes to close. A child that bubblewrap
        # has forked by then waits for its dead parent and keeps the pipes open: both would wait forever.
        await _end_group(await starting)
        raise


def _one_by_one(on_line: OnLine | None) -> OnLines:
    def on_lines(stream: str, texts: list[str]) -> None:
        for text in texts:
            if on_line is not None:
                on_line(stream, text)

    return on_lines


async def _talk(
    process: asyncio.subprocess.Process, on_lines: OnLines, stdin: bytes | None, budget: _Budget
) -> None:
    async with asyncio.TaskGroup() as tasks:
        for name, reader in (("out", process.stdout), ("err", process.stderr)):
            if reader is not None:
                tasks.create_task(_drain(reader, LineSplitter(partial(on_lines, name)), budget))
        if process.stdin is not None and stdin is not None:
            tasks.create_task(_feed(process.stdin, stdin))
