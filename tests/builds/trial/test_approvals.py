"""A call that waits for a person in the chats of the forge: shown in full and answered once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import ChatMessage, MessageStatus
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
JSON = {"accept": "application/json"}
KEY = "sk-test-0123456789abcdef"
_SUM = Calls((Call("calculator", {"expression": "6*7\u202e"}),))


@pytest.fixture
def model(agent: AgentConfig, alice: User, settings: Settings) -> Iterator[OpenAIStandIn]:
    """A model whose agent has to ask before it calculates."""
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with OpenAIStandIn(KEY) as server:
        save_key(alice, "openai_compatible", KEY, base_url=server.url)
        AgentConfig.objects.filter(pk=agent.pk).update(
            provider="openai_compatible",
            model="gpt-x",
            tools=["calculator"],
            permissions={"calculator": ["ask"]},
        )
        yield server


def _ask(browser: Client, agent: AgentConfig, work: Work, text: str = "6*7?") -> ChatMessage:
    sent = browser.post(reverse("builds:draft_send", args=[agent.pk]), {"content": text}, headers=JSON)
    assert sent.status_code == 202, sent.content
    work()
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    return answer


def _approve(browser: Client, message: ChatMessage, answer: str, call: str = "", **more: str) -> Any:
    url = reverse("builds:message_approve", args=[message.agent_id, message.pk])
    call = call or message.waiting_calls[0]["id"]
    return browser.post(url, {"approval": call, "answer": answer, **more})


def test_a_call_waits_runs_once_and_the_answer_goes_on(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn
) -> None:
    model.replies.extend([_SUM, Text.of("It is 42.")])
    waiting = _ask(browser, agent, work)
    assert (waiting.status, waiting.content, len(model.asked)) == ("done", "", 1)
    page = browser.get(reverse("builds:draft", args=[agent.pk])).content.decode()
    assert "May <span" in page and "6*7" in page and "\u202e" not in page
    assert "The agent waits for your approval." in page

    call = waiting.waiting_calls[0]["id"]
    response = _approve(browser, waiting, "once")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"{reverse('builds:draft', args=[agent.pk])}?conversation={waiting.conversation_id}",
    )
    assert _approve(browser, waiting, "once", call).status_code == 302
    work()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.content, waiting.waiting_calls) == ("done", "It is 42.", [])
    assert [entry.get("error") for entry in waiting.tool_calls] == [True]
    assert len(model.asked) == 2
    published = str(list(streams.read(agent.stream_name)))
    assert waiting.approval["state"] not in published and "state" not in published


@pytest.mark.parametrize(("answer", "result"), [("deny", "declined this call and says: guess"), ("once", "")])
def test_the_answer_decides(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn, answer: str, result: str
) -> None:
    model.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("Fine.")])
    waiting = _ask(browser, agent, work)
    _approve(browser, waiting, answer, word="guess")
    work()
    waiting.refresh_from_db()
    assert result in waiting.tool_calls[0]["result"]
    assert (waiting.tool_calls[0]["result"] == "42") is (answer == "once")


def test_an_approval_for_the_conversation_is_kept(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn
) -> None:
    same = Calls((Call("calculator", {"expression": "6*7"}),))
    model.replies.extend([same, Text.of("42."), same, Text.of("Still 42.")])
    waiting = _ask(browser, agent, work)
    _approve(browser, waiting, "conversation")
    work()
    again = _ask(browser, agent, work, "Again?")
    assert (again.content, again.waiting_calls) == ("Still 42.", [])


def test_what_cannot_be_answered_is_refused(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn
) -> None:
    model.replies.extend([_SUM, Text.of("Never mind.")])
    waiting = _ask(browser, agent, work)
    assert _approve(browser, waiting, "perhaps").status_code == 302
    url = reverse("builds:message_approve", args=[agent.pk, waiting.pk])
    refused = browser.post(url, {"approval": "x", "answer": "once"}, headers=JSON)
    assert refused.status_code == 409
    call = waiting.waiting_calls[0]["id"]
    _ask(browser, agent, work, "Something else")
    assert browser.post(url, {"approval": call, "answer": "once"}, headers=JSON).status_code == 409
    waiting.refresh_from_db()
    assert waiting.status == MessageStatus.DONE


@pytest.mark.parametrize("outside", [False, True])
def test_what_may_repeat_a_stranger_leads_nowhere(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn, outside: bool
) -> None:
    settings = {"fetch": {"hosts": ["good.example"]}}
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["fetch"], tool_settings=settings, permissions={})
    if outside:
        # That it is not there changes nothing: what an error says comes from outside too.
        model.replies.append(Calls((Call("fetch", {"url": "https://good.example/"}),)))
    model.replies.append(
        Text.of("[Read on](https://evil.example/?q=secret), as [they](https://good.example/) say.")
    )
    answer = _ask(browser, agent, work, "What do you know?")
    assert answer.usage.get("links") == (["good.example"] if outside else None)
    page = browser.get(reverse("builds:draft", args=[agent.pk])).content.decode()
    assert 'href="https://good.example/"' in page
    assert ('href="https://evil.example' in page) is not outside
    assert "(evil.example)" in page
