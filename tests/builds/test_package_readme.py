"""The README beside a compiled agent names what its tools need where it runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builds.compiler import sources, toolchain
from builds.compiler.inputs import Inputs
from builds.package.readme import readme

DESK = {"name": "desk", "url": "https://desk.example.org/mcp", "auth": {"kind": "bearer"}, "tools": []}
NOTES = {"name": "notes", "url": "https://notes.example.org", "operations": []}
FILES = {"name": "files", "command": "npx", "args": ["-y", "server"], "env": ["GITHUB_TOKEN"], "tools": []}


def text_for(tools: list[str], settings: dict[str, Any], target: str = "linux-amd64") -> str:
    capabilities = {"tools": tools, "tool_settings": settings}
    document = {"provider": {"key_env": "OPENAI_API_KEY"}, "capabilities": capabilities}
    return readme(Inputs(json.dumps(document), target, sources.read(), toolchain.find()), "ada")


@pytest.mark.parametrize(
    ("tools", "settings", "named"),
    [
        (["calculator"], {}, []),
        (["facts", "workspace"], {}, ["- `AGENT_DATA_DIR`: the directory of facts and workspace"]),
        (["facts"], {"facts": {"directory": "/srv/ada"}}, []),
        (["fetch"], {"fetch": {"hosts": ["example.org"]}}, ["- `AGENT_PRIVATE_HOSTS`"]),
        (
            ["mcp"],
            {"mcp": {"servers": [DESK]}},
            ["- `AGENT_KEY_MCP_DESK`: the key for desk.example.org", "- `AGENT_PRIVATE_HOSTS`"],
        ),
        (["api"], {"api": {"services": [NOTES]}}, ["- `AGENT_PRIVATE_HOSTS`"]),
        (["local"], {"local": {"servers": [FILES]}}, ["- `GITHUB_TOKEN`: for the program `npx`"]),
        (
            ["web_search"],
            {"web_search": {"provider": "tavily"}},
            ["- `AGENT_KEY_WEB_SEARCH_TAVILY`", "- `AGENT_PRIVATE_HOSTS`"],
        ),
    ],
)
def test_it_names_the_variables_of_tools(
    tools: list[str], settings: dict[str, Any], named: list[str]
) -> None:
    for target in ("linux-amd64", "plugin", "function"):
        text = text_for(tools, settings, target)
        assert ("Its tools read these variables" in text) == bool(named)
        assert text.count("- `") == len(named)
        for line in named:
            assert line in text
