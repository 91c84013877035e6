"""What the measurement of an agent starts can print as it likes, and its failures are reported."""

from __future__ import annotations

import os
import sys

import pytest

from bench import agent

PATIENCE = 60
# More than a pipe holds, and than is shown of it.
TALKATIVE = """
import sys
print("Listening on http://127.0.0.1:1", flush=True)
for number in range(20_000):
    print("word", number)
sys.exit("The last words.")
"""


def test_a_server_is_not_held_up_by_what_it_prints_and_its_end_is_reported() -> None:
    with (
        pytest.raises(SystemExit, match=r"exit code 1: (word \d+\n)+The last words\."),
        agent._started([sys.executable, "-c", TALKATIVE], dict(os.environ)) as (url, process),
    ):
        assert url == "http://127.0.0.1:1"
        process.wait(timeout=PATIENCE)


def test_a_server_without_an_address_is_reported() -> None:
    command = [sys.executable, "-c", "print('No port is free.')"]
    with pytest.raises(SystemExit, match=r"did not start: No port is free\."), agent._started(command, {}):
        pass


def test_answers_that_failed_are_no_figure() -> None:
    command = [sys.executable, "-c", 'print(\'{"failed": 2, "median_ms": 1.0}\')']
    with pytest.raises(SystemExit, match="2 answers failed"):
        agent._answers(command)
