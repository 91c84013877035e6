"""Chat with programs that are no agents: they do what a stranger's builder could have put into one."""

from __future__ import annotations

import asyncio
import itertools
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from builds.compiler import output_check, sandbox
from builds.compiler.inputs import Compiled
from builds.errors import BuildError
from builds.trial import agent_run, egress
from builds.trial.agent_run import Program
from tests.drivers.sandboxed import SANDBOXED

DOCUMENT = json.dumps(
    {
        "limits": {"seconds": 5, "memory_mb": 64},
        "capabilities": {},
        "provider": {"base_url": "http://127.0.0.1:9/v1", "base_url_env": "BASE_URL"},
    }
)


@pytest.fixture
def converse(tmp_path: Path, settings: Settings) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that chats with a shell script and returns its events."""
    settings.VAR_DIR = tmp_path / "var"

    def chat(script: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        program = Program(_program(tmp_path, script), None, DOCUMENT)
        asyncio.run(agent_run.converse(program, [{"role": "user", "content": "Hi"}], {}, events.append))
        return events

    return chat


def _program(directory: Path, script: str) -> Path:
    host = directory / "agent-host"
    host.write_text(f"#!/bin/sh\n{script}\n")
    host.chmod(0o755)
    return host


def test_an_endless_answer_is_ended(converse: Callable[[str], list[dict[str, Any]]]) -> None:
    line = json.dumps({"type": "token", "text": "x" * 1000})
    events = converse(f"exec yes {shlex.quote(line)}")
    assert events[-1]["code"] == "output_limit"
    assert "more than 32 MB" in events[-1]["message"]
    assert sum(len(event.get("text", "")) for event in events) <= 32 * sandbox.MIB


def test_long_complaints_are_cut(converse: Callable[[str], list[dict[str, Any]]]) -> None:
    (event,) = converse("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 3")
    assert event["code"] == "internal"
    assert len(event["message"]) < 2000


@SANDBOXED
def test_it_fills_no_disk(converse: Callable[[str], list[dict[str, Any]]]) -> None:
    script = 'for place in . "$HOME" "$0.d"; do (: > "$place/file") 2> /dev/null && echo "$place" >&2; done'
    (event,) = converse(f"{script}; exit 3")
    assert event["message"] == "The agent ended without an answer: exit code 3"


async def test_it_opens_only_so_many_connections(tmp_path: Path) -> None:
    attempts: list[tuple[str, int, bool]] = []
    async with egress.proxy_server(tmp_path / "s", set(), lambda *args: attempts.append(args)):
        opened = [await asyncio.open_unix_connection(tmp_path / "s") for _ in range(100)]
        # Those that are refused read an end; the others are still asked for a destination.
        ends = [asyncio.ensure_future(reader.read(1)) for reader, _ in opened]
        refused = [await end for end in itertools.islice(asyncio.as_completed(ends, timeout=60), 100 - 32)]
        assert set(refused) == {b""}
        assert sum(not end.done() for end in ends) == 32
        for end in ends:
            end.cancel()
        for _, writer in opened:
            writer.close()


async def test_a_flood_is_no_manifest(tmp_path: Path) -> None:
    program = _program(tmp_path, "exec yes")
    with pytest.raises(BuildError, match="printed more than 1 MB"):
        await output_check.run_for_manifest(Compiled(program), tmp_path)
