"""What becomes of an answer that goes wrong on its way, by each protocol that agents speak."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builds.trial.draft_program import draft_program
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.providers import PROVIDERS
from configs.revisions import canonical_json, configuration
from tests.standins.anthropic import AnthropicStandIn
from tests.standins.bends import Bend
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import INPUT_TOKENS, OUTPUT_TOKENS, Call, Calls, Text

pytestmark = pytest.mark.django_db
Service = OpenAIStandIn | AnthropicStandIn
TEXT = Text.of("Tides turn twice a day. \N{WATER WAVE}")


@pytest.fixture(params=["openai", "openai_responses", "anthropic"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Service]]:
    """A provider of each protocol, and the service that stands in for it."""
    with AnthropicStandIn() if request.param == "anthropic" else OpenAIStandIn() as server:
        yield request.param, server


def _ask(code: str, server: Service, directory: Path) -> list[dict[str, Any]]:
    values = {**PRESET_VALUES["balanced"], "provider": code, "model": "model-x", "tools": ["calculator"]}
    document = directory / "agent.json"
    document.write_text(canonical_json(configuration(AgentConfig(name="Ada", handle="ada", **values))))
    provider = PROVIDERS[code]
    done = subprocess.run(
        [str(asyncio.run(draft_program())), "--request", str(document)],
        input=json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode(),
        env={provider.base_url_env: server.url, provider.key_env: server.key},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("bend", ["split", "rate_limited", "overloaded"])
def test_what_can_be_mended(served: tuple[str, Service], tmp_path: Path, bend: Bend) -> None:
    code, server = served
    server.replies.extend([TEXT, TEXT])
    server.bends.append(bend)
    events = _ask(code, server, tmp_path)
    assert (events[-1]["type"], events[-1]["text"]) == ("done", "".join(TEXT.pieces))
    assert events[-2] == {"type": "usage", "input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
    assert len(server.asked) == (1 if bend == "split" else 2)


@pytest.mark.parametrize(
    ("bend", "words"), [("cut", "closed"), ("malformed", "invalid answer"), ("huge", "longer than 16 MiB")]
)
def test_what_can_not(served: tuple[str, Service], tmp_path: Path, bend: Bend, words: str) -> None:
    code, server = served
    server.replies.extend([TEXT, TEXT])
    server.bends.extend([bend, bend])
    last = _ask(code, server, tmp_path)[-1]
    assert (last["type"], last["code"]) == ("error", "provider_unreachable")
    assert words in last["message"]
    assert server.key not in last["message"]


def test_a_round_of_tools(served: tuple[str, Service], tmp_path: Path) -> None:
    code, server = served
    server.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")])
    events = _ask(code, server, tmp_path)
    assert [event["type"] for event in events if event["type"] != "token"] == [
        "tool_call",
        "tool_result",
        "usage",
        "done",
    ]
    assert events[-1]["text"] == "It is 42."
    sent = server.asked[-1].json
    if code == "openai_responses":
        # The reasoning that led to the call goes back as it came.
        kinds = [item.get("type") for item in sent["input"]]
        assert kinds == [None, "reasoning", "function_call", "function_call_output"]
        assert sent["input"][1]["encrypted_content"] == "gAAAAABk=="
        assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])


def test_an_answer_that_reached_its_length(served: tuple[str, Service], tmp_path: Path) -> None:
    code, server = served
    server.replies.append(Text(("Tides t",), finish="length"))
    last = _ask(code, server, tmp_path)[-1]
    assert (last["type"], last["finish"]) == ("done", "length")
