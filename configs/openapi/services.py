"""OpenAPI descriptions of the URLs of the services that agents call."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    STRING,
    array,
    mapping,
    one_of,
    record,
)
from configs.forms.agent_services import AgentForm
from configs.forms.api_services import APIForm
from configs.forms.local_services import LocalForm
from configs.forms.services import ServiceChoiceForm, ServiceForm, ServiceNameForm
from configs.forms.web_search import WebSearchForm

_OFFERED = record(
    {
        **dict.fromkeys(("name", "function", "reason"), STRING),
        "state": one_of(("new", "chosen", "changed", "refused")),
        "hints": array(STRING),
    }
)
describe(
    "configs:service_test",
    post=Operation(
        "List the tools of an MCP server",
        {"protocol": STRING, "tools": array(_OFFERED), "gone": array(STRING)},
        forms=[ServiceForm],
        required=["name", "url"],
        note="A key that works is stored, for this address only. Tools that can be chosen also have their "
        "`description` and `schema`.",
    ),
)
describe(
    "configs:api_test",
    post=Operation(
        "List the operations of an OpenAPI document",
        {
            **dict.fromkeys(("url", "auth", "auth_name"), STRING),
            "operations": array(_OFFERED),
            "gone": array(STRING),
        },
        forms=[APIForm],
        required=["name"],
        note="Send `address` or `document`. Those that can be chosen have what agent.json says of them.",
    ),
)
describe(
    "configs:local_test",
    post=Operation(
        "Read the tools of a program, as it prints them",
        {"tools": array(_OFFERED), "gone": array(STRING)},
        forms=[LocalForm],
        required=["name", "command", "listing"],
        note="The forge does not run it. `listing` is the JSON that its tools/list returns.",
    ),
)
_CARD = record(
    {
        **dict.fromkeys(("name", "function", "description", "endpoint", "protocol", "reason"), STRING),
        "skills": array(record(dict.fromkeys(("id", "name", "description"), STRING))),
        "state": one_of(("new", "chosen", "changed")),
    }
)
describe(
    "configs:agent_test",
    post=Operation(
        "Read the card of another agent",
        {"card": _CARD},
        forms=[AgentForm],
        required=["name", "url"],
        note="It has to speak A2A. A key that works is stored, for this address only.",
    ),
)
describe(
    "configs:service_save",
    post=Operation(
        "Give an agent tools of an MCP server, operations of an API, or another agent to ask",
        {"tools": mapping({})},
        forms=[ServiceChoiceForm],
        required=["name", "url", "offered", "chosen"],
        also={"tool": one_of(("mcp", "api", "local", "agent"))},
        note="`offered` is JSON: those tools, operations or cards of a test, without `state`, `hints` and "
        "`reason`; `chosen` and `reads` are names of them. `tool` is mcp if absent.",
    ),
)
describe(
    "configs:service_remove",
    post=Operation("Remove a service from an agent", {"tools": mapping({})}, forms=[ServiceNameForm]),
)
describe(
    "configs:web_search_test",
    post=Operation(
        "Search the web with an agent's settings",
        {"results": array(record(dict.fromkeys(("title", "url", "snippet"), STRING)))},
        forms=[WebSearchForm],
        required=["query"],
        note="With the saved settings of `web_search`. A key that works is stored, for the service's address "
        "only.",
    ),
)
describe(
    "configs:web_search_forget",
    post=Operation("Remove the key of an agent's search service", {}, note="All agents of yours lose it."),
)
