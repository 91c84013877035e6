"""Spans of an agent reach a collector, by the conventions for generative AI, if the environment names one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.drivers.agent_programs import compiled, environment_for, serving
from tests.standins.openai import OpenAIStandIn
from tests.standins.otlp import OtlpStandIn
from tests.standins.replies import Call, Calls, Failure, Text

QUESTION = "What is six times seven, in secret?"
ASKING = {"messages": [{"role": "user", "content": QUESTION}]}
TOOL_ROUND = (Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42, in confidence."))


@pytest.fixture
def collector() -> Iterator[OtlpStandIn]:
    with OtlpStandIn() as server:
        yield server


def test_an_answer_its_requests_and_its_tools_are_one_trace(
    model: OpenAIStandIn, collector: OtlpStandIn
) -> None:
    model.replies.extend(TOOL_ROUND)
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.origin,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20c2VjcmV0",
        "OTEL_SERVICE_NAME": "sums",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    with serving(model, **variables) as server:
        assert "42" in httpx.post(f"{server.url}/chat", json=ASKING).text
        assert collector.asked == []  # it was not in the way of the answer
    answer = collector.named("invoke_agent Sample Agent")
    tool = collector.named("execute_tool calculator")
    requests = [span for span in collector.spans if span["name"] == "chat gpt-4o-mini"]
    assert len(requests) == 2 and len(collector.spans) == 4
    assert {span["traceId"] for span in collector.spans} == {answer["traceId"]}
    assert {span["parentSpanId"] for span in (*requests, tool)} == {answer["spanId"]}
    assert (answer["parentSpanId"], answer["kind"], tool["kind"], requests[0]["kind"]) == ("", 1, 1, 3)
    names = {"service.name": "sums", "deployment.environment.name": "test", "service.version": "1.0.0"}
    assert answer["resource"] | names == answer["resource"]
    expected: dict[str, object] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": "sample-agent",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": "22",
        "gen_ai.usage.output_tokens": "14",
        "gen_ai.response.finish_reasons": {"values": [{"stringValue": "stop"}]},
    }
    assert answer["attributes"] | expected == answer["attributes"]
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.3,
        "gen_ai.request.max_tokens": "512",
        "gen_ai.usage.input_tokens": "11",
        "gen_ai.response.finish_reasons": {"values": [{"stringValue": "tool_calls"}]},
        "server.address": "127.0.0.1",
    }
    assert requests[0]["attributes"] | expected == requests[0]["attributes"]
    expected = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "calculator"}
    assert tool["attributes"] | expected == tool["attributes"]
    assert collector.asked[0].headers["authorization"] == "Basic c2VjcmV0"
    sent = b"".join(asked.body for asked in collector.asked)
    for secret in ("secret", "confidence", "6*7", model.key):
        assert secret.encode() not in sent, secret


def ask_once(model: OpenAIStandIn, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(compiled("standalone")), "--message", QUESTION]
    environment = environment_for(model) | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_what_is_said_is_sent_only_if_wanted_and_never_the_key(
    model: OpenAIStandIn, collector: OtlpStandIn
) -> None:
    model.replies.extend((TOOL_ROUND[0], Text.of(f"It is 42, by the key {model.key}.")))
    done = ask_once(
        model,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.origin}/v1/traces",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true",
    )
    assert (done.returncode, done.stderr) == (0, "")
    tool = collector.named("execute_tool calculator")["attributes"]
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"expression": "6*7"}
    assert tool["gen_ai.tool.call.result"] == "42"
    last = [span for span in collector.spans if span["name"].startswith("chat ")][-1]["attributes"]
    messages = json.loads(last["gen_ai.input.messages"])
    assert messages[0] == {"role": "user", "parts": [{"type": "text", "content": QUESTION}]}
    call = {"type": "tool_call", "id": "call_1", "name": "calculator", "arguments": {"expression": "6*7"}}
    assert messages[1] == {"role": "assistant", "parts": [call]}
    assert messages[2]["parts"] == [{"type": "tool_call_response", "id": "call_1", "response": "42"}]
    (said,) = json.loads(last["gen_ai.output.messages"])
    assert said["finish_reason"] == "stop" and "It is 42" in said["parts"][0]["content"]
    assert "Sample Agent" in last["gen_ai.system_instructions"]
    assert model.key.encode() not in b"".join(asked.body for asked in collector.asked)


def test_a_failed_answer_says_which_kind_of_failure(model: OpenAIStandIn, collector: OtlpStandIn) -> None:
    model.replies.append(Failure(401, "invalid_api_key", "Incorrect API key provided."))
    assert ask_once(model, OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin).returncode == 1
    for name in ("invoke_agent Sample Agent", "chat gpt-4o-mini"):
        span = collector.named(name)
        assert (span["status"], span["attributes"]["error.type"]) == ({"code": 2}, "provider_refused")
    assert b"Incorrect" not in collector.asked[0].body


def test_a_collector_that_is_away_costs_a_line(model: OpenAIStandIn, collector: OtlpStandIn) -> None:
    collector.status = 503
    done = ask_once(model, OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin)
    assert (done.returncode, done.stdout.strip()) == (0, f"You said: {QUESTION}")
    assert done.stderr == "agent: spans that the collector did not take: 2 (status 503)\n"


def test_without_a_collector_nobody_is_called(model: OpenAIStandIn, collector: OtlpStandIn) -> None:
    done = ask_once(model, OTEL_SERVICE_NAME="sums", OTEL_EXPORTER_OTLP_HEADERS="a=b")
    off = ask_once(model, OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin, OTEL_SDK_DISABLED="true")
    assert (done.returncode, done.stderr, off.returncode, off.stderr) == (0, "", 0, "")
    assert collector.asked == []


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MESSAGE = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": QUESTION}]}
SURFACES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "/chat": (ASKING, {}),
    "/v1/chat/completions": (ASKING, {}),
    "/a2a": (
        {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": MESSAGE}},
        {"A2A-Version": "1.0"},
    ),
}


@pytest.mark.parametrize("path", SURFACES)
def test_the_trace_of_who_asks_goes_on_to_the_provider(
    model: OpenAIStandIn, collector: OtlpStandIn, path: str
) -> None:
    body, headers = SURFACES[path]
    with serving(model, OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin) as server:
        for given in (f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}"):
            sent = {**headers, "traceparent": given}
            answer = httpx.post(f"{server.url}{path}", json=body, headers=sent, timeout=30)
            assert "You said: " in answer.text
    first, unrecorded, malformed = (asked.headers["traceparent"] for asked in model.asked)
    # What its caller does not record has no span here either.
    answers = [span for span in collector.spans if span["name"] == "invoke_agent Sample Agent"]
    requests = [span for span in collector.spans if span["name"] == "chat gpt-4o-mini"]
    [continued] = [span for span in answers if span["traceId"] == TRACE]
    [own] = [span for span in answers if span["traceId"] != TRACE]
    assert (continued["parentSpanId"], own["parentSpanId"], len(requests)) == (SPAN, "", 2)
    ids = {span["traceId"]: span["spanId"] for span in requests}
    assert first == f"00-{TRACE}-{ids[TRACE]}-01"
    assert unrecorded.startswith(f"00-{TRACE}-") and unrecorded.endswith("-00")
    assert malformed == f"00-{own['traceId']}-{ids[own['traceId']]}-01"


def test_without_a_collector_nobody_is_told_of_a_trace(model: OpenAIStandIn) -> None:
    with serving(model) as server:
        headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
        assert "You said: " in httpx.post(f"{server.url}/chat", json=ASKING, headers=headers).text
    assert "traceparent" not in model.asked[0].headers
