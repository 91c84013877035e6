"""Chat with a compiled agent: the real plugin in the real host, with a stand-in for the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.compiler import sandbox
from builds.forms import LONGEST_MESSAGE
from builds.models import Build, BuildTarget, ChatMessage
from builds.services import enqueue_build
from builds.trial import chat
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import INPUT_TOKENS, OUTPUT_TOKENS, Call, Calls, Failure, Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def openai(settings: Settings) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(KEY) as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        yield server


def _events(agent: AgentConfig) -> list[dict[str, object]]:
    records = (record for _, record in streams.read(agent.stream_name))
    return [record["event"] for record in records if record["kind"] == "chat"]


def _answer(agent: AgentConfig) -> ChatMessage:
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    return answer


def test_the_answer_comes_token_by_token(
    browser: Client, build: Build, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    local_model.replies.append(Text(("Tides ", "turn ", "twice.")))
    sent = browser.post(reverse("builds:send", args=[agent.pk]), {"content": "When do tides turn?"})
    assert sent.status_code == 302
    work()
    answer = _answer(agent)
    assert (answer.status, answer.content, answer.error) == ("done", "Tides turn twice.", "")
    first = answer.usage.pop("first_token_ms")
    assert 0 < first <= (answer.duration_ms or 0) + 5000
    # A model of this machine costs nothing.
    assert answer.usage == {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
    host, port = local_model.origin.removeprefix("http://").split(":")
    assert answer.network == [{"host": host, "port": int(port), "allowed": True}]
    kinds = [event["type"] for event in _events(agent)]
    assert kinds.count("token") >= 2
    assert kinds[-1] == "done"
    page = browser.get(reverse("builds:try", args=[agent.pk])).content.decode()
    assert "Tides turn twice." in page
    assert "good for trying, not for facts" in page
    assert f"{host}:{port}" in page


def test_tools_are_called_by_the_plugin(
    agent: AgentConfig, alice: User, work: Work, local_model: OpenAIStandIn
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["calculator"])
    enqueue_build(agent, by=alice)
    work()
    local_model.replies += [Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")]
    chat.ask(agent, by=alice, text="6*7?")
    work()
    [call] = _answer(agent).tool_calls
    assert (call["name"], call["result"], call["error"]) == ("calculator", "42", False)
    assert local_model.asked[-1].json["messages"][-1]["content"] == "42"


def test_earlier_exchanges_are_sent_along(
    build: Build, agent: AgentConfig, alice: User, work: Work, local_model: OpenAIStandIn
) -> None:
    for text in ("One", "Two"):
        chat.ask(agent, by=alice, text=text)
        work()
    roles = [(message["role"], message["content"]) for message in local_model.asked[-1].json["messages"]]
    assert roles[1:] == [("user", "One"), ("assistant", "You said: One"), ("user", "Two")]


def test_an_error_of_the_provider_is_shown_as_it_is_and_without_the_key(
    agent: AgentConfig, alice: User, work: Work, openai: OpenAIStandIn
) -> None:
    save_key(alice, "openai", KEY)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    build = enqueue_build(agent, by=alice)
    openai.replies.append(Failure(403, "blocked", f"Your key {KEY} may not do this."))
    work()
    chat.ask(agent, by=alice, text="Hello")
    work()
    answer = _answer(agent)
    assert answer.status == "failed"
    assert "may not do this" in answer.error
    assert KEY not in answer.error
    assert KEY not in str(list(streams.read(agent.stream_name)))
    assert KEY not in str(list(streams.read(build.stream_name)))
    assert openai.asked[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_missing_key_is_said(agent: AgentConfig, alice: User, work: Work, openai: OpenAIStandIn) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    enqueue_build(agent, by=alice)
    work()
    chat.ask(agent, by=alice, text="Hello")
    work()
    assert "No key for OpenAI is saved" in _answer(agent).error
    assert openai.asked == []


@pytest.mark.skipif(
    sandbox.level() != sandbox.BUBBLEWRAP, reason="without bubblewrap nothing holds the network"
)
def test_an_address_that_nobody_allowed_is_refused(
    agent: AgentConfig, alice: User, work: Work, settings: Settings
) -> None:
    with OpenAIStandIn(needs_key=False) as server:
        save_key(alice, "openai_compatible", KEY, base_url=server.url)
        AgentConfig.objects.filter(pk=agent.pk).update(provider="openai_compatible", model="gpt-x")
        enqueue_build(agent, by=alice)
        work()
        chat.ask(agent, by=alice, text="Hello")
        work()
        answer = _answer(agent)
        assert answer.status == "failed"
        assert [attempt["allowed"] for attempt in answer.network] == [False]
        assert server.asked == []


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "Enter a message."),
        ("   ", "Enter a message."),
        ("x" * (LONGEST_MESSAGE + 1), "A message may have 8,000 characters"),
        ("a\0b", "Null characters are not allowed."),
        ("a\x1bb", "control character"),
    ],
)
def test_a_wrong_message_is_refused_and_kept(
    browser: Client, agent: AgentConfig, alice: User, content: str, error: str
) -> None:
    _pretend_built(agent, alice)
    answer = browser.post(reverse("builds:send", args=[agent.pk]), {"content": content})
    assert answer.status_code == 422
    assert error in answer.content.decode()
    assert not ChatMessage.objects.exists()


def test_without_a_build_there_is_nobody_to_ask(browser: Client, agent: AgentConfig) -> None:
    answer = browser.post(reverse("builds:send", args=[agent.pk]), {"content": "Hello"})
    assert answer.status_code == 409
    assert "Nothing to try yet" in browser.get(reverse("builds:try", args=[agent.pk])).content.decode()


def test_one_question_at_a_time(browser: Client, agent: AgentConfig, alice: User) -> None:
    _pretend_built(agent, alice)
    url = reverse("builds:send", args=[agent.pk])
    json = {"accept": "application/json"}
    assert browser.post(url, {"content": "One"}, headers=json).status_code == 202
    second = browser.post(url, {"content": "Two"}, headers=json)
    assert second.status_code == 409
    assert "still answering" in str(second.json())


def test_a_waiting_answer_is_stopped_at_once(browser: Client, agent: AgentConfig, alice: User) -> None:
    _pretend_built(agent, alice)
    _, answer = chat.ask(agent, by=alice, text="Hello")
    browser.post(reverse("builds:stop", args=[agent.pk]))
    answer.refresh_from_db()
    assert (answer.status, answer.error) == ("failed", chat.STOPPED)
    # In the words of the page.
    ended = {"type": "error", "code": "stopped", "message": answer.stopped_words}
    assert _events(agent)[-1] == ended
    assert answer.stopped_words == "Stopped before it answered."


def test_clearing_asks_first(browser: Client, agent: AgentConfig, alice: User) -> None:
    _pretend_built(agent, alice)
    chat.ask(agent, by=alice, text="Hello")
    chat.stop(agent)
    url = reverse("builds:clear", args=[agent.pk])
    assert "2 messages" in browser.get(url).content.decode()
    assert ChatMessage.objects.count() == 2
    browser.post(url)
    assert ChatMessage.objects.count() == 0


def test_an_answer_that_is_coming_is_shown_so_far(browser: Client, agent: AgentConfig, alice: User) -> None:
    _pretend_built(agent, alice)
    _, answer = chat.ask(agent, by=alice, text="Hello")
    token = {"kind": "chat", "message": answer.pk, "event": {"type": "token", "text": "Half an ans"}}
    position = streams.publish(agent.stream_name, token)
    page = browser.get(reverse("builds:try", args=[agent.pk])).content.decode()
    assert "Half an ans" in page
    assert f'data-live="{agent.stream_name}:{position}"' in page


def _pretend_built(agent: AgentConfig, alice: User) -> None:
    """Give an agent a build that counts as succeeded, without running it."""
    pk = enqueue_build(agent, by=alice).pk
    Build.objects.filter(pk=pk).update(status="succeeded")
    BuildTarget.objects.filter(build_id=pk).update(status="succeeded")
