"""What tools keep in the chats of the forge: a directory of the conversation's own, within limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.compiler import sandbox
from builds.models import AnswerFiles, ChatMessage
from builds.trial import agent_run
from builds.trial.agent_run import Program
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.drivers.sandboxed import SANDBOXED
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
JSON = {"accept": "application/json"}
KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def model(agent: AgentConfig, alice: User, settings: Settings) -> Iterator[OpenAIStandIn]:
    """A model whose agent may write files and facts in directories that this machine does not have."""
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with OpenAIStandIn(KEY) as server:
        save_key(alice, "openai_compatible", KEY, base_url=server.url)
        AgentConfig.objects.filter(pk=agent.pk).update(
            provider="openai_compatible",
            model="gpt-x",
            tools=["facts", "workspace"],
            tool_settings={"workspace": {"directory": "/srv/agent/files"}},
            permissions={"files_write": ["allow"], "facts_save": ["allow"]},
        )
        yield server


def _ask(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn, *calls: Call
) -> tuple[ChatMessage, list[str]]:
    """Return the answer to a question, and the results of the calls that the model makes for it."""
    model.replies.extend([Calls(calls), Text.of("Done.")])
    sent = browser.post(reverse("builds:draft_send", args=[agent.pk]), {"content": "Go on"}, headers=JSON)
    assert sent.status_code == 202, sent.content
    work()
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    assert answer.error == ""
    return answer, [call["result"] for call in answer.tool_calls]


def _write(text: str) -> Call:
    return Call("files_write", {"path": "notes/plan.md", "text": text})


_READ = Call("files_read", {"path": "notes/plan.md"})


def test_a_conversation_keeps_what_its_tools_wrote(
    browser: Client,
    agent: AgentConfig,
    work: Work,
    model: OpenAIStandIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fact = Call("facts_save", {"text": "Ann likes tea."})
    _, results = _ask(browser, agent, work, model, _write("One"), fact)
    assert results[0] == "wrote notes/plan.md, 3 bytes" and results[1].startswith("saved as ")
    _, results = _ask(browser, agent, work, model, _READ, Call("facts_find", {"query": "tea"}))
    assert results[0] == "One" and results[1].endswith("Ann likes tea.")

    _ask(browser, agent, work, model, _READ)
    assert AnswerFiles.objects.count() == 2
    browser.post(reverse("builds:draft_clear", args=[agent.pk]))
    assert not AnswerFiles.objects.exists()
    _, results = _ask(browser, agent, work, model, Call("files_list", {}))
    assert results == ["there are no files"]
    # The directory itself, which is not the agent's, is left as it is.
    assert [record for record in caplog.records if record.name == "builds.trial.agent_log"] == []


def test_an_answer_that_is_replaced_takes_its_files_along(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn
) -> None:
    _ask(browser, agent, work, model, _write("One"))
    AgentConfig.objects.filter(pk=agent.pk).update(permissions={"files_write": ["ask"]})
    replaced, results = _ask(browser, agent, work, model, _READ)
    AgentConfig.objects.filter(pk=agent.pk).update(permissions={"files_write": ["allow"]})
    assert results == ["One"]
    model.replies.extend([Calls((Call("files_list", {}),)), Text.of("Again.")])
    url = reverse("builds:message_regenerate", args=[agent.pk, replaced.pk])
    assert browser.post(url).status_code == 302
    work()
    answer = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    assert [call["result"] for call in answer.tool_calls] == ["notes/"]


def test_the_files_of_a_person_have_a_limit(
    browser: Client, agent: AgentConfig, model: OpenAIStandIn, settings: Settings
) -> None:
    settings.MOST_CHAT_FILES_MB = 1
    url = reverse("builds:draft_send", args=[agent.pk])
    refused = browser.post(url, {"content": "Go on"}, headers=JSON)
    assert (refused.status_code, "may have 1 MB" in refused.content.decode()) == (409, True)
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["calculator"], tool_settings={}, permissions={})
    assert browser.post(url, {"content": "Go on"}, headers=JSON).status_code == 202


Converse = Callable[[str, bytes], tuple[bytes, dict[str, Any]]]


@pytest.fixture
def converse(tmp_path: Path, settings: Settings) -> Converse:
    """Return a function that runs a script in place of an agent, with what was kept before."""
    settings.VAR_DIR = tmp_path / "var"
    document = json.dumps(
        {
            "limits": {"seconds": 5, "memory_mb": 64},
            "capabilities": {"tools": ["workspace"]},
            "provider": {"base_url": "http://127.0.0.1:9/v1", "base_url_env": "BASE_URL"},
        }
    )

    def chat(script: str, files: bytes) -> tuple[bytes, dict[str, Any]]:
        host = tmp_path / "agent-host"
        host.write_text(f"#!/bin/sh\n{script}\n")
        host.chmod(0o755)
        events: list[dict[str, Any]] = []
        messages = [{"role": "user", "content": "Hi"}]
        program = Program(host, None, document)
        return asyncio.run(agent_run.converse(program, messages, {}, events.append, files=files)), events[-1]

    return chat


def test_what_is_packed_comes_back(converse: Converse) -> None:
    files, event = converse('echo kept > "$AGENT_DATA_ROOT/file"; exit 3', b"")
    assert event["message"].endswith("exit code 3")
    _, event = converse('cat "$AGENT_DATA_ROOT/file" >&2; exit 1', files)
    assert event["message"].endswith("kept")


@SANDBOXED
@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            'head -c 3000000 /dev/zero > "$AGENT_DATA_ROOT/file"; wc -c < "$AGENT_DATA_ROOT/file" >&2',
            "917504",
        ),
        ('cd "$AGENT_DATA_ROOT"; seq 4000 | xargs mkdir; echo 917504 >&2', "917504"),
        ('rm -f "$AGENT_DATA_ROOT"/*; kill -9 $PPID; sleep 60', "The agent was killed"),
    ],
)
def test_what_is_too_much_is_not_kept(converse: Converse, script: str, said: str) -> None:
    before, _ = converse('echo kept > "$AGENT_DATA_ROOT/file"', b"")
    after, event = converse(script, before)
    assert after == before or len(after) <= sandbox.MIB
    assert said in event["message"]


@SANDBOXED
def test_an_archive_unpacks_in_the_sandbox_only(converse: Converse, tmp_path: Path) -> None:
    """The forge hands over what an agent packed, whatever it is."""
    target = tmp_path / "outside"
    script = (
        f'ln -s {tmp_path} "$AGENT_DATA_ROOT/link"; tar -C / -cPf files-after.tar "$AGENT_DATA_ROOT"/../..'
    )
    files, _ = converse(f"{script}; exit 0", b"")
    _, event = converse(f"echo x > {target}; echo end >&2; exit 1", files)
    assert not target.exists() and event["message"].endswith("end")
    _, event = converse("echo alive >&2; exit 1", b"\0no archive" * 1000)
    assert event["message"].endswith("alive")
