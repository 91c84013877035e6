"""An agent that is killed in the middle of an answer says so in words, as a draft and compiled."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from builds.models import MessageStatus
from builds.trial import agent_run
from builds.trial.agent_run import Program
from builds.trial.answer import Answer

DOCUMENT = json.dumps(
    {
        "limits": {"seconds": 20, "memory_mb": 512},
        "capabilities": {},
        "provider": {"base_url": "http://127.0.0.1:9/v1", "base_url_env": "BASE_URL"},
    }
)


@pytest.mark.parametrize(
    ("is_compiled", "next_step"),
    [(False, "Capabilities and ask again."), (True, "Capabilities and compile the agent again.")],
)
def test_a_killed_agent_says_why_and_what_to_do(
    tmp_path: Path, settings: Settings, is_compiled: bool, next_step: str
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    host, plugin = tmp_path / "agent-host", tmp_path / "agent.so"
    token = json.dumps({"type": "token", "text": "Tides"})
    host.write_text(f"#!/bin/sh\necho '{token}'\nkill -9 $$\n")
    host.chmod(0o755)
    plugin.write_bytes(b"")
    program = Program(host, plugin if is_compiled else None, DOCUMENT)
    published: list[dict[str, Any]] = []
    answer = Answer(1, published.append)
    asyncio.run(agent_run.converse(program, [{"role": "user", "content": "Hi"}], {}, answer.add))
    assert (answer.status, answer.facts["content"]) == (MessageStatus.FAILED, "Tides")
    words = answer.facts["error"]
    assert words.startswith("The agent was killed before its answer ended")
    assert "more than its 512 MB of memory" in words and words.endswith(next_step)
    assert "exit code" not in words
