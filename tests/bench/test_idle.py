"""Processes and threads may begin and end while an idle forge is measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from bench import idle

# Goes to sleep for each line, however late it gets a processor.
ECHO = """
import sys, time
for line in sys.stdin:
    time.sleep(0.001)
    print(line, end="", flush=True)
"""


@pytest.fixture
def echo() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", ECHO]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def _wake(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("line\n")
    process.stdin.flush()
    assert process.stdout.readline() == "line\n"


def test_what_began_or_ended_meanwhile_does_not_count(echo: subprocess.Popen[str]) -> None:
    _wake(echo)
    lasting = psutil.Process(echo.pid)
    with subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE) as cat:
        ended = psutil.Process(cat.pid)
        processes = [("echo", lasting), ("cat", ended)]
        both = idle._all_switches(processes)
        assert set(both) == {lasting, ended}
    for _ in range(3):
        _wake(echo)
    after = idle._all_switches(processes)
    assert set(after) == {lasting}
    woken = idle._woken(processes, both, after)
    assert woken["echo"] >= 3
    assert woken["cat"] == 0
    # One whose first count failed, since a thread of it was just ending.
    assert idle._woken(processes, {}, after) == {"echo": 0, "cat": 0}
