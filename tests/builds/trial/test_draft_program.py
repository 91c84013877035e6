"""A draft answers as the plugin that is compiled of it: the same bytes, by the same requests."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builds.execution import local
from builds.logs.build_log import BuildLog
from builds.trial.draft_program import draft_program
from configs.forms import TAB_FORMS
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.revisions import canonical_json, configuration
from tests.standins.anthropic import AnthropicStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Failure, Reply, Text

_SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
_TOOL = {
    "name": "find",
    "function": "mcp_desk_find",
    "description": "Finds.",
    "schema": _SCHEMA,
    "reads": True,
}
_PROGRAM = {
    "name": "say",
    "function": "local_x_say",
    "description": "Says.",
    "schema": _SCHEMA,
    "reads": True,
}
_OPERATION = {
    "function": "api_pets_add",
    "description": "Adds.",
    "schema": _SCHEMA,
    "method": "POST",
    "path": "/",
}
_OTHER = {
    "name": "other",
    "url": "http://127.0.0.1:9/card.json",
    "seconds": 9,
    "cards": [
        {
            "name": "Other",
            "function": "agent_other",
            "description": "Answers.",
            "skills": [],
            "endpoint": "http://127.0.0.1:9/a2a",
            "protocol": "0.3",
        }
    ],
}
# Every field of the form differs between these two.
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "openai": {
        "name": 'Ada "the first" \N{FOX FACE}',
        "handle": "ada",
        "type": "researcher",
        "description": "Explains tides.\nAnd </script> {{ things }}.",
        "version": "1.2.3-rc.1",
        "provider": "openai",
        "model": "gpt-x",
        "fallback_provider": "openai",
        "fallback_model": "gpt-x-mini",
        "preset": "mentor",
        "traits": ["curious", "precise"],
        "communication_style": "plain",
        "tone": "warm",
        "response_length": "brief",
        "creativity": "0.25",
        "custom_instructions": "Sign nothing.",
        "memory": True,
        "memory_turns": 1,
        "memory_tokens": 1000,
        "tools": [
            "agent",
            "api",
            "calculator",
            "clock",
            "data_query",
            "dates",
            "facts",
            "fetch",
            "local",
            "mcp",
            "units",
            "web_search",
            "workspace",
        ],
        "tool_settings": {
            "agent": {"agents": [_OTHER]},
            "fetch": {"hosts": ["a.example"]},
            "api": {"services": [{"name": "pets", "url": "https://a.example", "operations": [_OPERATION]}]},
            "local": {"servers": [{"name": "x", "command": "x", "args": ["y"], "tools": [_PROGRAM]}]},
            "mcp": {"servers": [{"name": "desk", "url": "http://127.0.0.1:9/mcp", "tools": [_TOOL]}]},
            "web_search": {"provider": "searxng", "url": "http://127.0.0.1:9", "count": 1},
        },
        "permissions": {"agent_other": ["allow"], "calculator": ["deny expression=*9*"]},
        "images": True,
        "answer_schema": "",
        "tool_rounds": 1,
        "time_limit_seconds": 30,
        "memory_limit_mb": 256,
        "conversation_tokens": 100_000,
        "conversation_cost": None,
        "day_tokens": 200_000,
        "day_cost": None,
        "knowledge_trusted": True,
        "skills": [
            {
                "name": "forms",
                "description": "Fills in forms.",
                "instructions": "Ask for the date.",
                "files": [{"path": "scripts/fill.py", "text": "print(1)"}],
            }
        ],
    },
    "anthropic": {
        "name": "Bo",
        "handle": "bo",
        "type": "technical",
        "description": "",
        "version": "0.1.0",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "fallback_provider": "",
        "fallback_model": "",
        "preset": "analytical",
        "traits": ["skeptical"],
        "communication_style": "structured",
        "tone": "formal",
        "response_length": "detailed",
        "creativity": "1",
        "custom_instructions": "",
        "memory": False,
        "memory_turns": 10,
        "memory_tokens": None,
        "tools": ["clock"],
        "tool_settings": {},
        "permissions": {},
        "images": False,
        "answer_schema": json.dumps({"type": "object", "properties": {"hour": {"type": "integer"}}}),
        "tool_rounds": 3,
        "time_limit_seconds": 60,
        "memory_limit_mb": 512,
        "conversation_tokens": None,
        "conversation_cost": 2.5,
        "day_tokens": None,
        "day_cost": 7.25,
        "knowledge_trusted": False,
    },
}
FIELDS = [name for form in TAB_FORMS.values() for name in form.base_fields if name != "api_key"]
_EARLIER = [
    {"role": role, "content": text}
    for role, text in (("user", "One"), ("assistant", "1"), ("user", "Two"), ("assistant", "2"))
]
_SUM = Calls((Call("calculator", {"expression": "6*7"}),))
SCENARIOS: dict[str, list[Reply]] = {
    "text": [Text.of("Tides turn twice a day. \N{WATER WAVE}")],
    "cut off": [Text(("Tides t",), finish="length")],
    "tools": [_SUM, Text.of("It is 42.")],
    "tools without end": [_SUM, _SUM, _SUM, _SUM, Text.of("Enough.")],
    "denied tool": [Calls((Call("calculator", {"expression": "9*9"}),)), Text.of("No.")],
    "nobody can be asked": [Calls((Call("facts_save", {"text": "x"}),)), Text.of("No.")],
    "host that is not listed": [Calls((Call("fetch", {"url": "https://b.example/"}),)), Text.of("No.")],
    "no directory": [Calls((Call("files_read", {"path": "a.txt"}),)), Text.of("No.")],
    "server at a private address": [Calls((Call("mcp_desk_find", {"q": "x"}),)), Text.of("No.")],
    "search at a private address": [Calls((Call("web_search", {"query": "x"}),)), Text.of("No.")],
    "agent at a private address": [Calls((Call("agent_other", {"question": "x"}),)), Text.of("No.")],
    "program that is not there": [Calls((Call("local_x_say", {"q": "x"}),)), Text.of("No.")],
    "nobody to ask about a request": [Calls((Call("api_pets_add", {"q": "x"}),)), Text.of("No.")],
    "table": [Calls((Call("data_query", {"data": "a\n1\n2", "limit": 1}),)), Text.of("One.")],
    "dates and units": [
        Calls((Call("dates", {"operation": "describe", "date": "2026-11-29"}),)),
        Calls((Call("units", {"value": 1, "from": "mi", "to": "km"}, "call_2"),)),
        Text.of("Sunday."),
    ],
    "skill": [
        Calls(
            (
                Call("skill", {"name": "forms"}),
                Call("skill", {"name": "forms", "file": "scripts/fill.py"}, "call_2"),
            )
        ),
        Text.of("What is the date?"),
    ],
    "unknown tool": [Calls((Call("rocket"),)), Text.of("No.")],
    "refused": [Failure(403, "blocked", "You may not do this.")],
    "structured": [Text.of("Nine."), Text.of('{"hour": 9}')],
    "silent": [Text(("",))],
}


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    events: bytes
    errors: bytes
    asked: list[tuple[str, dict[str, str], bytes]]


@functools.cache
def _document(name: str) -> str:
    return canonical_json(configuration(AgentConfig(**CONFIGURATIONS[name])))


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A configuration's name, and the directory with its host and its plugin."""
    out = tmp_path_factory.mktemp(request.param)
    asyncio.run(local.build(_document(request.param), out, BuildLog(lambda record: None)))
    return request.param, out


@pytest.fixture
def provider(compiled: tuple[str, Path]) -> Iterator[OpenAIStandIn | AnthropicStandIn]:
    with OpenAIStandIn() if compiled[0] == "openai" else AnthropicStandIn() as server:
        yield server


def _answer(
    command: list[str], provider: OpenAIStandIn | AnthropicStandIn, replies: list[Reply], name: str
) -> Outcome:
    provider.asked.clear()
    provider.replies.clear()
    provider.replies.extend(replies)
    served = PROVIDERS[name]
    environment = {served.base_url_env: provider.url, served.key_env: provider.key}
    question = json.dumps({"messages": [*_EARLIER, {"role": "user", "content": "6*7?"}]})
    done = subprocess.run(
        command, input=question.encode(), env=environment, capture_output=True, timeout=60, check=False
    )
    asked = [(each.path, each.headers, each.body) for each in provider.asked]
    # How long something took is not what it said.
    return Outcome(done.returncode, re.sub(rb'"ms":\d+', b'"ms":0', done.stdout), done.stderr, asked)


@pytest.mark.xdist_group("draft-program")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_draft_and_plugin_say_and_ask_the_same(
    compiled: tuple[str, Path], provider: OpenAIStandIn | AnthropicStandIn, scenario: str, tmp_path: Path
) -> None:
    name, package = compiled
    configuration_file = tmp_path / "agent.json"
    configuration_file.write_text(_document(name))
    plugin = [str(package / "agentforge-host"), "--request", str(next(package.glob("*.so")))]
    draft = [str(asyncio.run(draft_program())), "--request", str(configuration_file)]
    outcomes = [_answer(command, provider, SCENARIOS[scenario], name) for command in (plugin, draft)]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].events and outcomes[0].asked


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_form_is_held_to_it(field: str) -> None:
    first, second = (values[field] for values in CONFIGURATIONS.values())
    assert first != second
