"""Tools whose schema names headers that the protocol forbids can't be chosen."""

from __future__ import annotations

from typing import Any

import pytest

from configs.tools.offers import offered_tools


def _offer(**properties: Any) -> tuple[str, str]:
    schema = {"type": "object", "properties": properties}
    (offered,) = offered_tools("peer", [{"name": "find", "description": "Finds.", "inputSchema": schema}], [])
    return offered.state, offered.reason


def test_allowed_headers_can_be_chosen() -> None:
    region = {"type": "string", "x-mcp-header": "Region"}
    count = {"type": ["integer", "null"], "x-mcp-header": "Count"}
    inner = {"type": "object", "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}}
    assert _offer(region=region, count=count, inner=inner, other={"type": "array"}) == ("new", "")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"a": {"type": "string", "x-mcp-header": ""}}, "can't be one"),
        ({"a": {"type": "string", "x-mcp-header": "a\r\nb"}}, "can't be one"),
        ({"a": {"type": "string", "x-mcp-header": 1}}, "can't be one"),
        ({"a": {"type": "number", "x-mcp-header": "N"}}, "into the header N"),
        ({"a": {"type": ["string", "object"], "x-mcp-header": "N"}}, "into the header N"),
        ({"a": {"type": [{}], "x-mcp-header": "N"}}, "into the header N"),
        ({"a": {"type": {}, "x-mcp-header": "N"}}, "into the header N"),
        ({"a": {"type": "null", "x-mcp-header": "N"}}, "into the header N"),
        (
            {
                "a": {"type": "string", "x-mcp-header": "N"},
                "b": {"type": "object", "properties": {"c": {"type": "string", "x-mcp-header": "n"}}},
            },
            "twice",
        ),
    ],
)
def test_forbidden_headers_refuse_the_tool(properties: dict[str, Any], reason: str) -> None:
    state, why = _offer(**properties)
    assert state == "refused" and reason in why
