"""The chat with a draft, which nobody compiled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from procrastinate.exceptions import AlreadyEnqueued
from pytest_django.fixtures import Settings

from agentforge import found_servers
from agentforge.accounts.models import User
from agentforge.live import streams
from agentforge.model_servers import ModelServer
from builds import tasks
from builds.compiler import shared_program, sources, toolchain
from builds.models import Build, ChatMessage
from builds.trial import chat
from builds.trial.conversations import messages_of
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.drivers.agent_sources import copy_of_the_sources
from tests.drivers.forgery import without_digest_check
from tests.standins.ollama import OllamaStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
JSON = {"accept": "application/json"}
DRAFT = ChatMessage.Source.DRAFT


def _send(browser: Client, agent: AgentConfig, text: str) -> Any:
    return browser.post(reverse("builds:draft_send", args=[agent.pk]), {"content": text}, headers=JSON)


def _answer(agent: AgentConfig) -> ChatMessage:
    answer: ChatMessage = messages_of(agent, DRAFT).filter(role="assistant").latest("pk")
    return answer


def _page(browser: Client, agent: AgentConfig) -> str:
    return browser.get(reverse("builds:draft", args=[agent.pk])).content.decode()


def _change(agent: AgentConfig, **values: object) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(**values)


def test_a_draft_that_was_never_compiled_answers(
    browser: Client, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    local_model.replies.append(Text.of("Tides turn twice."))
    assert _send(browser, agent, "Hello").status_code == 202
    work()
    answer = _answer(agent)
    assert (answer.status, answer.content, answer.error) == ("done", "Tides turn twice.", "")
    assert answer.speaker == "Ada, draft"
    events = [record["event"]["type"] for _, record in streams.read(agent.stream_name) if "event" in record]
    assert events.count("token") >= 2
    assert (events[0], events[-1]) == ("start", "done")
    page = _page(browser, agent)
    assert "Tides turn twice." in page
    assert "Ada, draft" in page
    assert not Build.objects.exists()


def test_each_answer_is_by_the_draft_as_it_was_asked_and_keeps_its_name(
    build: Build, browser: Client, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    _send(browser, agent, "One")
    # Changed before a worker took the question.
    _change(agent, name="Bea", custom_instructions="Speak of whales.")
    work()
    assert "whales" not in local_model.asked[-1].json["messages"][0]["content"]
    _send(browser, agent, "Two")
    work()
    asked = local_model.asked[-1].json["messages"]
    assert "whales" in asked[0]["content"]
    assert [message["content"] for message in asked[1:]] == ["One", "You said: One", "Two"]
    speakers = [message.speaker for message in messages_of(agent, DRAFT) if message.role == "assistant"]
    assert speakers == ["Ada, draft (revision 1)", "Bea, draft (revision 1 + changes)"]
    page = _page(browser, agent)
    assert "your draft, revision 1 + changes" in page
    assert "good for trying, not for facts" in page
    found = browser.get(reverse("builds:draft", args=[agent.pk]), headers=JSON).json()["messages"]
    assert [(each["source"], each["speaker"]) for each in found[2:]] == [
        ("draft", ""),
        ("draft", speakers[1]),
    ]


def test_a_model_server_of_this_machine_answers(
    browser: Client, agent: AgentConfig, settings: Settings, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OllamaStandIn() as ollama:
        settings.LOCAL_MODEL_SERVERS = (ModelServer("ollama", ollama.url),)
        AgentConfig.objects.filter(pk=agent.pk).update(provider="ollama", model="qwen3:8b")
        assert _send(browser, agent, "Hello").status_code == 202
        # The worker is another program, which has not looked yet.
        monkeypatch.setattr(found_servers, "_found", set())
        cache.clear()
        work()
        assert (_answer(agent).error, _answer(agent).content) == ("", "You said: Hello")
        assert ollama.asked[-1].json["model"] == "qwen3:8b"


def test_the_chats_with_draft_and_build_are_two(
    build: Build, browser: Client, agent: AgentConfig, alice: User, work: Work, local_model: OpenAIStandIn
) -> None:
    chat.ask(agent, by=alice, text="To the build")
    assert _send(browser, agent, "To the draft").status_code == 202
    assert _send(browser, agent, "At once").status_code == 409
    work()
    assert [len(asked.json["messages"]) for asked in local_model.asked[-2:]] == [2, 2]
    trial = browser.get(reverse("builds:try", args=[agent.pk])).content.decode()
    draft = _page(browser, agent)
    assert ("To the build" in trial, "To the draft" in trial) == (True, False)
    assert ("To the build" in draft, "To the draft" in draft) == (False, True)
    clear = reverse("builds:draft_clear", args=[agent.pk])
    assert "2 messages" in browser.get(clear).content.decode()
    assert browser.post(clear).headers["Location"] == reverse("builds:draft", args=[agent.pk])
    assert [message.source for message in ChatMessage.objects.all()] == ["build", "build"]


def test_stopping_stops_only_the_drafts_answer(
    build: Build, browser: Client, agent: AgentConfig, alice: User
) -> None:
    _, other = chat.ask(agent, by=alice, text="To the build")
    _send(browser, agent, "To the draft")
    browser.post(reverse("builds:draft_stop", args=[agent.pk]))
    other.refresh_from_db()
    assert (_answer(agent).error, other.status) == (chat.STOPPED, "queued")


@pytest.mark.parametrize(
    ("values", "label", "tab"),
    [
        ({"name": ""}, "Identity", "identity"),
        ({"model": ""}, "API keys", "keys"),
        ({"provider": "openai", "model": "gpt-x"}, "API keys", "keys"),
        ({"provider": "gone"}, "API keys", "keys"),
        ({"traits": []}, "Personality", "personality"),
        ({"memory_turns": 999}, "Capabilities", "capabilities"),
    ],
)
def test_an_invalid_tab_is_named_with_a_link(
    browser: Client, agent: AgentConfig, values: dict[str, object], label: str, tab: str
) -> None:
    _change(agent, **values)
    refusal = _send(browser, agent, "Hello")
    assert refusal.status_code == 409
    assert f"First correct {label}." in str(refusal.json())
    page = _page(browser, agent)
    link = f'<a href="{reverse(f"configs:{tab}", args=[agent.pk])}">{label}</a>'
    assert link in page.partition('data-part="draft-chat"')[2]
    whole = browser.post(reverse("builds:draft_send", args=[agent.pk]), {"content": "Hello"})
    assert (whole.status_code, "Hello</textarea>" in whole.content.decode()) == (409, True)
    assert not ChatMessage.objects.exists()


def test_the_key_comes_from_the_vault_and_goes_nowhere_else(
    browser: Client, agent: AgentConfig, alice: User, work: Work, settings: Any
) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    key = "sk-test-0123456789abcdef"
    with OpenAIStandIn(key) as server, OpenAIStandIn(needs_key=False) as stranger:
        save_key(alice, "openai_compatible", key, base_url=server.url)
        _change(agent, provider="openai_compatible", model="gpt-x")
        _send(browser, agent, "Hello")
        work()
        assert _answer(agent).content == "You said: Hello"
        assert server.asked[-1].headers["authorization"] == f"Bearer {key}"
        _send(browser, agent, "Again")
        waiting = _answer(agent)
        document = json.loads(waiting.document)
        document["provider"] |= {"base_url": stranger.url}
        with without_digest_check():
            ChatMessage.objects.filter(pk=waiting.pk).update(document=json.dumps(document))
        work()
        waiting.refresh_from_db()
        assert stranger.asked == []
        assert waiting.error.endswith(f" is for {server.url}. No key was sent. Ask again.")
        assert key not in str(list(streams.read(agent.stream_name))) + _page(browser, agent)


def _program() -> Path | None:
    return shared_program.DRAFT.find(toolchain.find(), sources.read())


@pytest.fixture
def new_sources(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Sources whose program for drafts nobody compiled yet, and all else was."""
    copy = copy_of_the_sources(tmp_path / "agent")
    with (copy / "draft" / "main.go").open("a") as file:
        file.write(f"\n// {uuid4()}\n")
    settings.AGENTFORGE_AGENT_SOURCES = copy
    yield
    if compiled := _program():
        compiled.unlink()
        compiled.with_suffix(".sha256").unlink()


def test_it_is_compiled_while_the_caches_warm(new_sources: None, work: Work) -> None:
    assert _program() is None
    # The worker's own clock may have enqueued it already.
    with suppress(AlreadyEnqueued):
        tasks.warm_up.defer()
    work()
    # The workers for chats compile it, so that no build waits.
    work()
    assert _program()


def test_the_first_answer_compiles_the_program_and_says_so(
    new_sources: None, browser: Client, agent: AgentConfig, work: Work
) -> None:
    _send(browser, agent, "Hello")
    work()
    assert _answer(agent).status == "done"
    words = [
        record["event"].get("words") for _, record in streams.read(agent.stream_name) if "event" in record
    ]
    assert "The program for drafts is being prepared, once. The answer follows." in words


def test_nobody_else_talks_to_it(agent: AgentConfig, bob: User, client_of: Callable[[User], Client]) -> None:
    assert _send(client_of(bob), agent, "Hello").status_code == 404
    assert not ChatMessage.objects.exists()
