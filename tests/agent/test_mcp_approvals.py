"""The person at the official MCP client approves calls: over HTTP and stdio, with and without a handshake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

from tests.drivers.agent_programs import Served, compiled, environment_for, serving
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

from .test_mcp_clients import LEGACY, MODERN, text_of

SUM = Calls((Call("calculator", {"expression": "6*7"}),))


@pytest.fixture(scope="module")
def asking(module_model: OpenAIStandIn) -> Iterator[Served]:
    """An agent whose calculator asks first."""
    with serving(module_model, asking="calculator") as server:
        yield server


class Person:
    """Answer each form with the same content; without one, decline."""

    def __init__(self, content: dict[str, Any] | None) -> None:
        self.content = content
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.asked.append(params.message)
        if self.content is None:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content=self.content)


@pytest.fixture(params=[f"{way}-{mode}" for way in ("http", "stdio") for mode in (LEGACY, MODERN)])
def connect(request: pytest.FixtureRequest, asking: Served, model: OpenAIStandIn) -> Any:
    way, mode = request.param.split("-")
    program = StdioServerParameters(
        command=str(compiled("standalone", asking="calculator")), args=["--mcp"], env=environment_for(model)
    )
    server: Any = f"{asking.url}/mcp" if way == "http" else program

    def connected(person: Person | None) -> Client:
        return Client(server, mode=mode, elicitation_callback=person)

    return connected


def results(model: OpenAIStandIn) -> list[str]:
    """Return what tools told the model in its last request."""
    return [m["content"] for m in model.asked[-1].json["messages"] if m["role"] == "tool"]


async def test_a_person_approves_a_call(connect: Any, model: OpenAIStandIn) -> None:
    model.replies.extend([SUM, SUM, Text.of("It is 42.")])
    person = Person({"answer": "conversation"})
    async with connect(person) as client:
        result = await client.call_tool("ask", {"message": "6*7?"})
    assert (text_of(result), result.is_error) == ("It is 42.", False)
    (question,) = person.asked
    assert 'May calculator run with {"expression":"6*7"}?' in question
    assert results(model) == ["42", "42"]


async def test_each_call_is_asked_about(connect: Any, model: OpenAIStandIn) -> None:
    both = Calls((SUM.calls[0], Call("calculator", {"expression": "1+1"}, id="call_2")))
    model.replies.extend([both, SUM, Text.of("Done.")])
    person = Person({"answer": "once"})
    async with connect(person) as client:
        assert text_of(await client.call_tool("ask", {"message": "Count"})) == "Done."
    assert len(person.asked) == 3
    assert results(model) == ["42", "2", "42"]


@pytest.mark.parametrize(
    ("content", "said"),
    [({"answer": "deny", "word": "use the abacus"}, "says: use the abacus"), (None, "declined this call")],
)
async def test_a_person_declines(
    connect: Any, model: OpenAIStandIn, content: dict[str, Any] | None, said: str
) -> None:
    model.replies.extend([SUM, Text.of("Then not.")])
    async with connect(Person(content)) as client:
        assert text_of(await client.call_tool("ask", {"message": "6*7?"})) == "Then not."
    (result,) = results(model)
    assert said in result


async def test_a_client_without_forms_is_not_asked(connect: Any, model: OpenAIStandIn) -> None:
    model.replies.extend([SUM, Text.of("Nobody said yes.")])
    async with connect(None) as client:
        assert text_of(await client.call_tool("ask", {"message": "6*7?"})) == "Nobody said yes."
    (result,) = results(model)
    assert "nobody can be asked here" in result
