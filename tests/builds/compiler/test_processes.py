from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from builds.compiler import processes
from builds.compiler.processes import LONGEST_LINE, LineSplitter


def test_lines_are_made_of_pieces() -> None:
    lines: list[str] = []
    splitter = LineSplitter(lines.extend)
    for piece in (b"one\ntw", b"o\r", b"\nthr\xc3", b"\xa9e\0", b"\n", b"rest"):
        splitter.feed(piece)
    splitter.feed(b"", final=True)
    assert lines == ["one", "two", "thr\N{LATIN SMALL LETTER E WITH ACUTE}e\N{REPLACEMENT CHARACTER}", "rest"]


def test_an_endless_line_does_not_fill_the_memory() -> None:
    lines: list[str] = []
    splitter = LineSplitter(lines.extend)
    for _ in range(3):
        splitter.feed(b"x" * LONGEST_LINE)
    splitter.feed(b"\nnext", final=True)
    assert [len(line) for line in lines] == [LONGEST_LINE, 4]


async def test_a_cancelled_caller_kills_the_whole_group(tmp_path: Path) -> None:
    output: asyncio.Queue[str] = asyncio.Queue()
    script = (
        "import subprocess, sys, time; child = subprocess.Popen(['sleep', '60']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    running = asyncio.create_task(
        processes.run(
            [sys.executable, "-c", script],
            directory=tmp_path,
            environment={"PATH": os.defpath},
            seconds=60,
            output_bytes=1000,
            on_line=lambda _stream, text: output.put_nowait(text),
        )
    )
    child = int(await output.get())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not _lives(child)


async def test_a_caller_cancelled_while_it_starts_kills_the_whole_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A regression: bubblewrap's fork outlived its parent, which a time limit killed during the start."""
    start, forked = asyncio.create_subprocess_exec, tmp_path / "forked"
    os.mkfifo(forked)
    children: list[int] = []

    async def slow_start(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        children.append(int(await asyncio.to_thread(forked.read_text)))
        running.cancel()
        await asyncio.sleep(0)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow_start)
    running = asyncio.create_task(
        processes.run(
            ["/bin/sh", "-c", "sleep 60 & echo $! > forked; wait"],
            directory=tmp_path,
            environment={"PATH": os.defpath},
            seconds=60,
            output_bytes=1000,
        )
    )
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not _lives(children[0])


def _lives(pid: int) -> bool:
    """Return whether a process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_the_exit_code_and_both_streams_come_back(tmp_path: Path) -> None:
    output: list[tuple[str, str]] = []
    finished = await processes.run(
        ["/bin/sh", "-c", "cat; echo bad >&2; exit 3"],
        directory=tmp_path,
        environment={},
        seconds=60,
        output_bytes=1000,
        on_line=lambda stream, text: output.append((stream, text)),
        stdin=b"given",
    )
    assert finished.exit_code == 3
    assert sorted(output) == [("err", "bad"), ("out", "given")]


@pytest.mark.parametrize("streams", ["", ">&2"])
async def test_endless_output_ends_a_command(tmp_path: Path, streams: str) -> None:
    lines = 0

    def count(_stream: str, texts: list[str]) -> None:
        nonlocal lines
        lines += len(texts)

    finished = await processes.run(
        ["/bin/sh", "-c", f"yes {streams}"],
        directory=tmp_path,
        environment={"PATH": os.defpath},
        seconds=60,
        output_bytes=1_000_000,
        on_lines=count,
    )
    assert (finished.flooded, finished.timed_out, finished.exit_code) == (True, False, -9)
    assert 0 < lines <= 500_000
