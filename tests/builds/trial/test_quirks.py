"""Show and store the answers of model servers that bend their protocol: the real plugin in the real host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build, ChatMessage
from builds.services import enqueue_build
from builds.trial import chat
from builds.trial.answer import Answer
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Stream

pytestmark = pytest.mark.django_db(transaction=True)

STOP = '{"choices":[{"delta":{},"finish_reason":"stop"}]}'
LENGTH = '{"choices":[{"delta":{},"finish_reason":"length"}]}'
DONE = "[DONE]"
CUT_OFF = "The answer was cut off at its length limit."


def _delta(content: str) -> str:
    return f'{{"choices":[{{"delta":{{"content":"{content}"}}}}]}}'


def _call(arguments: str) -> str:
    call = f'{{"index":0,"id":"c","function":{{"name":"calculator","arguments":"{arguments}"}}}}'
    return f'{{"choices":[{{"delta":{{"tool_calls":[{call}]}}}}]}}'


# What the server sends, the stored text, a part of the error, a sentence on the page.
QUIRKS: dict[str, tuple[list[str], str, str, str]] = {
    "NUL": ([_delta(r"Good\u0000 day"), STOP, DONE], "Good day", "", "Good day"),
    "half of a character": (
        [_delta(r"Good \ud83d day"), STOP, DONE],
        "Good \N{REPLACEMENT CHARACTER} day",
        "",
        "",
    ),
    "halves of an emoji": (
        [_delta(r"Good \ud83d"), _delta(r"\ude42 day"), STOP, DONE],
        "Good \N{SLIGHTLY SMILING FACE} day",
        "",
        "Good \N{SLIGHTLY SMILING FACE} day",
    ),
    "length": ([_delta("Good d"), LENGTH, DONE], "Good d", "", CUT_OFF),
    "unknown reason": (
        [_delta("Good d"), STOP.replace("stop", "eclipse"), DONE],
        "Good d",
        "",
        "The model stopped for an unknown reason (eclipse).",
    ),
    "broken off": (
        [_delta("Good d"), STOP.replace("stop", "error"), DONE],
        "Good d",
        "broke off",
        "broke off",
    ),
    "nothing": ([STOP, DONE], "", "neither text nor a tool call", "neither text nor a tool call"),
    "reasoning": ([_delta("<thi"), _delta(r"nk>plan</think>\n\nGood day"), STOP, DONE], "Good day", "", ""),
    "reasoning only": (
        [_delta("<think>plan"), LENGTH, DONE],
        "",
        "for reasoning and gave no answer",
        "for reasoning",
    ),
    "NUL in an error": (['{"error":{"message":"no\\u0000 memory \\ud83d"}}'], "", "no memory", "no memory"),
}


def _last_answer(agent: AgentConfig) -> ChatMessage:
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    return answer


def test_odd_answers_are_stored_and_shown(
    browser: Client,
    build: Build,
    agent: AgentConfig,
    alice: User,
    work: Callable[[], None],
    local_model: OpenAIStandIn,
) -> None:
    for name, (events, content, error, sentence) in QUIRKS.items():
        local_model.replies.append(Stream.of(*events))
        chat.ask(agent, by=alice, text=name)
        work()
        answer = _last_answer(agent)
        assert (name, answer.content, answer.status) == (name, content, "failed" if error else "done")
        assert error in answer.error
        assert "plan" not in str(list(streams.read(agent.stream_name)))
        page = browser.get(reverse("builds:try", args=[agent.pk])).content.decode()
        assert sentence in page
        notes = [
            record["event"].get("note") for _, record in streams.read(agent.stream_name) if "event" in record
        ]
        assert (notes[-1] is not None) == (name in ("length", "unknown reason"))


def test_arguments_that_no_database_stores(
    agent: AgentConfig, alice: User, work: Callable[[], None], local_model: OpenAIStandIn
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["calculator"])
    enqueue_build(agent, by=alice)
    work()
    calls = [
        _call(r"{\"expression\":\"\\u0000\\ud83d\"}"),
        _call(r"{\"expression\":\"1\",\"x\":1e999}"),
        _call(r"{\"x\":" + "[" * 5000 + "]" * 5000 + "}"),
        _call(r"{\"expression\":\"6*7\"}"),
    ]
    local_model.replies += [Stream.of(*calls, STOP, DONE), Stream.of(_delta("Good day"), STOP, DONE)]
    chat.ask(agent, by=alice, text="6*7?")
    work()
    answer = _last_answer(agent)
    assert (answer.status, answer.content) == ("done", "Good day")
    assert [call["error"] for call in answer.tool_calls] == [True, True, True, False]
    assert answer.tool_calls[3]["result"] == "42"
    assert len({call["id"] for call in answer.tool_calls}) == 4


def test_results_of_one_id_go_to_their_calls(alice: User) -> None:
    """Agents that were compiled earlier reuse ids, and pass on what no database stores."""
    published: list[dict[str, Any]] = []
    answer = Answer(1, published.append)
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    for result in ("first", "second"):
        answer.add(
            {
                "type": "tool_call",
                "id": "c",
                "name": "clock",
                "arguments": {"a": "\0\ud83d", "b": 1e999, "c": deep},
            }
        )
        answer.add(
            {"type": "tool_result", "id": "c", "name": "clock", "result": result, "error": False, "ms": 1}
        )
    answer.add({"type": "done", "text": "Good\0 day", "finish": "stop"})
    calls = answer.facts["tool_calls"]
    assert [call["result"] for call in calls] == ["first", "second"]
    assert calls[0]["arguments"]["a"] == "\N{REPLACEMENT CHARACTER}"
    assert calls[0]["arguments"]["b"] is None
    assert answer.facts["content"] == "Good day"
