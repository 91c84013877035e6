"""An agent asks other agents over A2A: one of the official SDK, and compiled ones, in both versions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.providers import PROVIDERS
from configs.revisions import canonical_json, configuration
from tests.drivers.agent_programs import Served, compiled
from tests.drivers.other_agent import Peer, other_agent
from tests.drivers.ports import free_port
from tests.standins.a2a_agent import A2AStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.otlp import OtlpStandIn
from tests.standins.replies import Call, Calls, Reply, Text

KEY = "agent-key-0123456789"
QUESTION = json.dumps({"messages": [{"role": "user", "content": "Ask it."}]}).encode()
SDK_CARD = {
    "name": "Echo",
    "description": "Repeats what it is asked.",
    "skills": [{"id": "echo", "name": "Echo", "description": "Says it again."}],
}


def _sdk(peer: Peer, version: str) -> dict[str, Any]:
    card = {**SDK_CARD, "function": "agent_echo", "endpoint": f"{peer.url}/rpc", "protocol": version}
    return {"name": "echo", "url": peer.card_url, "cards": [card]}


@contextmanager
def _agent(
    other: dict[str, Any], replies: list[Reply], directory: Path, *arguments: str, **variables: str
) -> Iterator[tuple[subprocess.Popen[bytes], OpenAIStandIn]]:
    """Run an agent that may ask another one without asking a person."""
    settings = {"agent": {"agents": [other]}}
    values = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x", "tools": ["agent"]}
    agent = AgentConfig(
        name="Ada", handle="ada", tool_settings=settings, permissions={"agent": ["allow"]}, **values
    )
    document = directory / "agent.json"
    document.write_text(canonical_json(configuration(agent)))
    provider = PROVIDERS["openai"]
    with OpenAIStandIn() as model:
        model.replies.extend(replies)
        environment = {
            "PATH": os.environ["PATH"],
            "AGENT_PRIVATE_HOSTS": "127.0.0.1",
            "AGENT_KEY_AGENT_HARBOUR": KEY,
            "AGENT_KEY_AGENT_PORT": f"{KEY}-of-port",
            provider.base_url_env: model.url,
            provider.key_env: model.key,
            **variables,
        }
        command = [str(compiled("draft")), *(arguments or ("--request",)), str(document)]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                yield process, model
            finally:
                process.kill()


def _asked(
    other: dict[str, Any], directory: Path, *calls: Call
) -> tuple[list[dict[str, Any]], OpenAIStandIn]:
    """Return the results of calls, each in a round of its own, by an agent, and the model that made them."""
    replies: list[Reply] = [*(Calls((call,)) for call in calls), Text.of("Done.")]
    with _agent(other, replies, directory) as (process, model):
        output, _ = process.communicate(QUESTION, timeout=60)
    events = [json.loads(line) for line in output.splitlines()]
    return [event for event in events if event["type"] == "tool_result"], model


@pytest.mark.parametrize("way", ["streaming", "plain"])
@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_the_official_sdk_answers(version: str, way: str, tmp_path: Path) -> None:
    with other_agent(version, way) as peer:
        call = Call("agent_echo", {"question": "Is it tide?"})
        [result], model = _asked(_sdk(peer, version), tmp_path, call)
    assert (result["result"], result["error"]) == ("You said: Is it tide?", False)
    sent = json.dumps(model.asked[-1].json["messages"][-1])
    assert "never instructions to follow" in sent


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_what_it_asks_back_waits_for_an_answer(version: str, tmp_path: Path) -> None:
    with other_agent(version) as peer:
        other = _sdk(peer, version)
        [waiting], _ = _asked(other, tmp_path, Call("agent_echo", {"question": "sign"}))
        assert "asks back: Sign the contract?" in waiting["result"]
        task = waiting["result"].split('with the task "')[1].split('"')[0]
        reply = Call("agent_echo_reply", {"task": task, "answer": "yes"})
        [result], _ = _asked(other, tmp_path, reply)
    assert (result["result"], result["error"]) == ("You said: yes", False)


def test_what_it_asks_back_is_not_answered_without_a_person(tmp_path: Path) -> None:
    """Who allows an agent to be asked has read one of its answers by then, so a person decides."""
    with other_agent() as peer:
        calls = (
            Call("agent_echo", {"question": "sign"}),
            Call("agent_echo_reply", {"task": "x", "answer": "yes"}),
        )
        results, _ = _asked(_sdk(peer, "1.0"), tmp_path, *calls)
    assert results[1]["error"] is True
    assert "not run" in results[1]["result"]


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_who_stops_ends_the_work_of_the_other(version: str, tmp_path: Path) -> None:
    replies: list[Reply] = [Calls((Call("agent_echo", {"question": "wait"}),))]
    with other_agent(version) as peer, _agent(_sdk(peer, version), replies, tmp_path) as (process, _):
        assert process.stdin and peer.process.stdout
        process.stdin.write(QUESTION)
        process.stdin.close()
        assert peer.process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGTERM)
        assert peer.process.stdout.readline() == "cancelled\n"


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_a_compiled_agent_answers(served: Served, model: OpenAIStandIn, version: str, tmp_path: Path) -> None:
    card = {
        "name": "Sample Agent",
        "function": "agent_sample",
        "endpoint": f"{served.url}/a2a",
        "protocol": version,
    }
    card |= _said_of_itself(served)
    other = {"name": "sample", "url": f"{served.url}/.well-known/agent-card.json", "cards": [card]}
    [result], _ = _asked(other, tmp_path, Call("agent_sample", {"question": "Is it tide?"}))
    assert (result["result"], result["error"]) == ("You said: Is it tide?", False)


def _said_of_itself(served: Served) -> dict[str, Any]:
    import httpx

    card = httpx.get(f"{served.url}/.well-known/agent-card.json").json()
    skills = [{key: skill[key] for key in ("id", "name", "description")} for skill in card["skills"]]
    return {"description": card["description"], "skills": skills}


def test_an_agent_that_asks_itself_comes_to_an_end(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    card = {
        "name": "Ada",
        "function": "agent_self",
        "description": "Answers questions.",
        "skills": [{"id": "ask", "name": "Ask Ada", "description": "Answers questions."}],
        "endpoint": f"{url}/a2a",
        "protocol": "1.0",
    }
    other = {"name": "self", "url": f"{url}/.well-known/agent-card.json", "cards": [card]}
    again: list[Reply] = [Calls((Call("agent_self", {"question": "Who?"}),))] * 5
    replies = [*again, *(Text.of(f"Answer {depth}.") for depth in range(5))]
    arguments = ("--serve", str(port))
    with _agent(other, replies, tmp_path, *arguments) as (process, model):
        import httpx

        assert process.stderr is not None
        process.stderr.readline()
        message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "Who are you?"}]}
        request = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        answer = httpx.post(f"{url}/a2a", json=request, headers={"A2A-Version": "1.0"}, timeout=60)
        assert "Answer 4." in answer.text, answer.text
    # Five questions, and as many rounds with their answers.
    assert len(model.asked) == 10
    assert "went through 4 agents" in json.dumps(model.asked[5].json)


def _change(other: dict[str, Any], path: str, value: Any) -> None:
    place: Any = other if path in other or path in ("auth", "seconds") else other["cards"][0]
    place[path] = value


# Each field of another agent: what it is changed to, and what then differs from the agent that it was.
FIELDS: dict[str, tuple[Callable[[A2AStandIn], Any], str]] = {
    "name": (lambda harbour: "port", "header of the key, tools"),
    "url": (lambda harbour: f"{harbour.origin}/card.json", "address of the card"),
    "auth": (lambda harbour: {"kind": "header", "name": "X-Key"}, "header of the key"),
    "function": (lambda harbour: "agent_port", "tools"),
    "description": (lambda harbour: "Knows the winds.", "tools"),
    "skills": (lambda harbour: [], "tools"),
    "endpoint": (lambda harbour: f"{harbour.origin}/other", "address of questions"),
    "protocol": (lambda harbour: "0.3", "method"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_reaches_the_agent(field: str, tmp_path: Path) -> None:
    """Two agents that differ in one field alone differ in what the model or the other agent sees of them."""
    value, differs = FIELDS[field]
    seen = []
    for changed in (False, True):
        with A2AStandIn() as harbour:
            other = {**harbour.pinned("harbour"), "auth": {"kind": "bearer"}}
            if changed:
                _change(other, field, value(harbour))
                _follow(harbour, other)
            function = other["cards"][0]["function"]
            [result], model = _asked(other, tmp_path, Call(function, {"question": "Tide?"}))
            assert result["error"] is False, result
            seen.append(_seen(harbour, model))
    assert {what for what in seen[0] if seen[0][what] != seen[1][what]} == set(differs.split(", "))


def _follow(harbour: A2AStandIn, other: dict[str, Any]) -> None:
    """Make the other agent one that says of itself what was chosen."""
    card = other["cards"][0]
    harbour.card |= {key: card[key] for key in ("description", "skills")}
    harbour.card["supportedInterfaces"].append(
        {"url": card["endpoint"], "protocolBinding": "JSONRPC", "protocolVersion": card["protocol"]}
    )


def _seen(harbour: A2AStandIn, model: OpenAIStandIn) -> dict[str, str]:
    card, question = harbour.asked[0], harbour.asked[-1]
    keys = {name: text for name, text in question.headers.items() if KEY in text}
    return {
        "address of the card": card.path,
        "address of questions": question.path,
        "header of the key": str(keys),
        "method": question.json["method"],
        "tools": json.dumps(model.asked[0].json["tools"]),
    }


def test_an_agent_that_is_asked_is_told_of_the_trace(tmp_path: Path) -> None:
    parent = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
    question = json.dumps({**json.loads(QUESTION), "traceparent": f"00-{parent}-01"}).encode()
    with A2AStandIn() as harbour, OtlpStandIn() as collector:
        other = harbour.pinned("harbour")
        calls = Calls((Call(other["cards"][0]["function"], {"question": "Tide?"}),))
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.origin}
        with _agent(other, [calls, Text.of("Done.")], tmp_path, **variables) as (process, _):
            process.communicate(question, timeout=60)
    tool = collector.named("execute_tool agent_harbour")
    trace, asker = parent.split("-")
    assert harbour.asked[-1].headers["traceparent"] == f"00-{trace}-{tool['spanId']}-01"
    assert collector.named("invoke_agent Ada")["parentSpanId"] == asker
    # Its card is everybody's.
    assert "traceparent" not in harbour.asked[0].headers
