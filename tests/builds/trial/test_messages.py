"""How a message of the trial chat is shown: rendered, with what it took, and honest about how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import ChatMessage
from builds.trial import chat
from builds.trial.answer import Answer, load_partial
from builds.trial.history import history
from configs.models import AgentConfig
from tests.drivers.pages import shown

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answer(built: AgentConfig, alice: User) -> ChatMessage:
    """The pending answer to a question."""
    return chat.ask(built, by=alice, text="*When* do <tides> turn?")[1]


def _end(answer: ChatMessage, *events: Mapping[str, object]) -> None:
    """Let a worker answer with some events."""
    assert answer.job_id is not None
    chat.claim(answer.pk, answer.job_id)
    result = Answer(answer.pk, lambda record: None)
    for event in events:
        result.add(dict(event))
    chat.finish(answer.pk, answer.job_id, result.status, event=result.last, **result.facts)


def _page(browser: Client, answer: ChatMessage) -> str:
    return shown(browser.get(reverse("builds:try", args=[answer.agent_id])))


def test_a_finished_answer_is_rendered_and_the_question_is_as_typed(
    browser: Client, answer: ChatMessage
) -> None:
    _end(answer, {"type": "done", "text": "**Twice** <img src=x>", "finish": "stop", "ms": 1234})
    page = _page(browser, answer)
    assert "<strong>Twice</strong> &lt;img src=x&gt;" in page
    assert "*When* do &lt;tides&gt; turn?" in page
    # What Copy copies.
    assert f'<pre id="answer-{answer.pk}" hidden>**Twice** &lt;img src=x&gt;</pre>' in page


def test_time_and_tokens_stay_after_a_reload(browser: Client, answer: ChatMessage) -> None:
    usage = {"type": "usage", "input_tokens": 1200, "output_tokens": 34}
    _end(answer, usage, {"type": "done", "text": "Twice", "finish": "stop", "ms": 1234})
    assert "1,200 tokens in, 34 out · 1.2 s" in _page(browser, answer)


@pytest.mark.parametrize("ms", [None, -1, "9", True, 10**18, float("inf"), float("nan"), [1]])
def test_a_strange_duration_is_left_out(browser: Client, answer: ChatMessage, ms: object) -> None:
    _end(answer, {"type": "done", "text": "Twice", "finish": "stop", "ms": ms})
    answer.refresh_from_db()
    assert (answer.status, answer.duration_ms) == ("done", None)


def test_tool_calls_are_folded_with_arguments_and_result(browser: Client, answer: ChatMessage) -> None:
    call = {"type": "tool_call", "id": "1", "name": "calculator", "arguments": {"expression": "6 < 7"}}
    result = {"type": "tool_result", "id": "1", "result": "\x1b[2J", "error": False, "ms": 2100}
    open_call = {"type": "tool_call", "id": "2", "name": "clock", "arguments": {}}
    _end(answer, call, result, open_call, {"type": "error", "code": "stopped", "message": chat.STOPPED})
    page = _page(browser, answer)
    assert "&quot;expression&quot;: &quot;6 &lt; 7&quot;" in page
    assert '<span class="muted">done · 2.1 s</span>' in page
    assert '<span class="muted">unfinished</span>' in page
    assert "<dd>␛[2J</dd>" in page


def test_a_stopped_answer_keeps_what_arrived_and_is_no_error(
    browser: Client, answer: ChatMessage, alice: User, built: AgentConfig
) -> None:
    token = {"type": "token", "text": "Twice, and **th"}
    _end(answer, token, {"type": "error", "code": "stopped", "message": chat.STOPPED})
    page = _page(browser, answer)
    assert "Twice, and **th" in page
    assert "data-chat-stopped>Stopped. The answer so far is kept.<" in page
    assert "chat-error" not in page
    following = chat.ask(built, by=alice, text="Shorter")[1]
    assert [message["content"] for message in history(following)] == [
        "*When* do <tides> turn?",
        "Twice, and **th",
        "Shorter",
    ]


def test_of_an_answer_that_was_stopped_before_it_began_nothing_is_said_to_be_kept(
    browser: Client, answer: ChatMessage
) -> None:
    _end(answer, {"type": "error", "code": "stopped", "message": chat.STOPPED})
    assert "data-chat-stopped>Stopped before it answered.<" in _page(browser, answer)


def test_an_answer_can_be_fetched_by_itself(browser: Client, answer: ChatMessage) -> None:
    url = reverse("builds:message", args=[answer.agent_id, answer.pk])
    token = {"kind": "chat", "message": answer.pk, "event": {"type": "token", "text": "**Half"}}
    streams.publish(answer.agent.stream_name, token)
    assert '<div class="chat-text" data-chat-text dir="auto">**Half</div>' in shown(browser.get(url))
    _end(answer, {"type": "done", "text": "**Whole**", "finish": "stop", "ms": 5})
    assert "<strong>Whole</strong>" in shown(browser.get(url))
    message = browser.get(url, headers={"accept": "application/json"}).json()["message"]
    assert (message["content"], message["duration_ms"]) == ("**Whole**", 5)


def test_another_agents_message_is_not_found(browser: Client, answer: ChatMessage, alice: User) -> None:
    other = AgentConfig.objects.create(owner=alice, name="Eve", handle="eve", provider="local", model="m")
    at = datetime.now(UTC)
    message = ChatMessage.objects.create(owner=alice, agent=other, role="user", content="x", created_at=at)
    assert browser.get(reverse("builds:message", args=[answer.agent_id, message.pk])).status_code == 404


def test_an_answer_that_ends_while_its_page_is_read_has_ended_there(answer: ChatMessage) -> None:
    stale = ChatMessage.objects.get(pk=answer.pk)
    _end(answer, {"type": "done", "text": "Twice.", "finish": "stop", "ms": 5})
    load_partial(stale)
    assert (stale.status, stale.content, stale.duration_ms) == ("done", "Twice.", 5)
