"""OpenAI's official client against a served agent, over chat completions and responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.drivers.agent_programs import HANDLE, Served
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Failure, Text

HELLO: Any = [{"role": "user", "content": "Hello there"}]


class Place(BaseModel):
    city: str
    country: str | None


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def test_the_agent_is_the_only_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [HANDLE]
    assert client.models.retrieve(HANDLE).id == HANDLE
    for ask in (
        lambda: client.models.retrieve("gpt-5"),
        lambda: client.chat.completions.create(model="gpt-5", messages=HELLO),
        lambda: client.responses.create(model="gpt-5", input="Hello"),
    ):
        with pytest.raises(openai.NotFoundError) as refusal:
            ask()
        assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")


def test_an_answer_and_its_stream(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    answer = client.chat.completions.create(model=HANDLE, messages=HELLO)
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 18
    chunks = list(
        client.chat.completions.create(
            model=HANDLE, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "You said: Hello there"
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [
        "stop"
    ]
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    plain = list(client.chat.completions.create(model=HANDLE, messages=HELLO, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in plain)


def test_a_history_with_another_programs_tools(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Ghent"}'},
    }
    history: Any = [
        {"role": "system", "content": "Answer in Dutch."},
        {"role": "user", "content": "Weather in Ghent?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "21 degrees"},
    ]
    answer = client.chat.completions.create(model=HANDLE, messages=history, tools=[])
    assert "21 degrees" in (answer.choices[0].message.content or "")
    sent = model.asked[-1].json["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[0]["content"].startswith("You are Sample Agent.")
    assert sent[0]["content"].endswith("Answer in Dutch.")
    assert '{"city":"Ghent"}' in sent[2]["content"]


def test_the_agents_own_tools_stay_inside(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    model.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")])
    answer = client.chat.completions.create(model=HANDLE, messages=HELLO)
    assert answer.choices[0].message.content == "It is 42."
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "x", "parameters": {}}}]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"n": 2}, "n"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"modalities": ["audio"]}, "modalities"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_changes_the_meaning_is_refused_by_name(
    client: openai.OpenAI, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model=HANDLE, messages=HELLO, **options)
    assert refusal.value.param == param


def test_structured_answers(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    model.replies.extend([Text.of("It is Ghent."), Text.of('{"city": "Ghent", "country": null}')])
    parsed = client.chat.completions.parse(model=HANDLE, messages=HELLO, response_format=Place)
    assert parsed.choices[0].message.parsed == Place(city="Ghent", country=None)
    first, repair = (asked.json for asked in model.asked)
    assert first["response_format"]["json_schema"]["name"] == "Place"
    assert first["response_format"]["json_schema"]["strict"] is True
    assert "requested form" in repair["messages"][-1]["content"]
    model.replies.append(Text.of('{"city": "Lyon", "country": "France"}'))
    response = client.responses.parse(model=HANDLE, input="Where?", text_format=Place)
    assert response.output_parsed == Place(city="Lyon", country="France")


def test_a_form_that_the_provider_refuses_is_asked_for_in_words(
    client: openai.OpenAI, model: OpenAIStandIn
) -> None:
    refusal = Failure(400, "unsupported_parameter", "response_format is not supported with this model")
    model.replies.extend([refusal, Text.of("```json\n{}\n```")])
    answer = client.chat.completions.create(
        model=HANDLE, messages=HELLO, response_format={"type": "json_object"}
    )
    assert answer.choices[0].message.content == "{}"
    assert "response_format" not in model.asked[-1].json
    assert "JSON object" in model.asked[-1].json["messages"][0]["content"]


def test_an_answer_without_the_form_is_an_error(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError, match="requested form"):
            client.chat.completions.create(
                model=HANDLE, messages=HELLO, response_format={"type": "json_object"}, stream=stream
            )


def test_a_response_and_its_events(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    response = client.responses.create(model=HANDLE, input="Hello there", instructions="Be brief.")
    assert (response.output_text, response.status) == ("You said: Hello there", "completed")
    assert response.usage is not None
    assert response.usage.total_tokens == 18
    assert model.asked[-1].json["messages"][0]["content"].endswith("Be brief.")
    with client.responses.stream(model=HANDLE, input="Hello there") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "You said: Hello there"
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-2:] == ["response.output_item.done", "response.completed"]


def test_a_cut_answer_is_said_to_be_cut(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    model.replies.extend([Text(("Once upon",), finish="length")] * 2)
    answer = client.chat.completions.create(model=HANDLE, messages=HELLO, max_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert model.asked[-1].json["max_completion_tokens"] == 2
    response = client.responses.create(model=HANDLE, input="Hello", max_output_tokens=2)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


def test_the_server_keeps_no_responses(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.responses.create(model=HANDLE, input="Hello", previous_response_id="resp_1")
    assert refusal.value.code == "previous_response_not_found"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_1")


def test_a_failure_of_the_provider_is_the_servers(client: openai.OpenAI, model: OpenAIStandIn) -> None:
    model.replies.append(Failure(401, "invalid_api_key", "Incorrect API key provided."))
    with pytest.raises(openai.InternalServerError) as failure:
        client.chat.completions.create(model=HANDLE, messages=HELLO)
    assert failure.value.status_code in (502, 503)
    assert failure.value.request_id
    assert failure.value.response.headers["x-should-retry"] == "false"


def test_an_address_that_does_not_exist(served: Served) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0) as client:
        with pytest.raises(openai.NotFoundError) as missing:
            client.post("/embeddings", cast_to=object, body={})
        assert missing.value.code == "not_found"
