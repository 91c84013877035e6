"""Several conversations with an agent, its builds and its draft: titled, apart, downloadable, deletable."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.errors import NotPossible
from builds.models import ChatMessage, ChatSource, Conversation
from builds.trial import chat
from builds.trial.conversations import title_from
from builds.trial.history import history
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.drivers.pages import shown
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"accept": "application/json"}
KEY = "sk-test-0123456789abcdef"


@dataclass(frozen=True)
class Place:
    """A chat with an agent, by the names of its URLs."""

    agent: AgentConfig
    source: ChatSource
    names: dict[str, str]

    def url(self, name: str) -> str:
        return reverse(f"builds:{self.names[name]}", args=[self.agent.pk])


NAMES = {
    ChatSource.BUILD: {
        "page": "try", "send": "send", "stop": "stop", "clear": "clear", "export": "conversation_export"
    },
    ChatSource.DRAFT: {
        "page": "draft", "send": "draft_send", "stop": "draft_stop", "clear": "draft_clear",
        "export": "draft_export",
    },
}  # fmt: skip


@pytest.fixture(params=list(ChatSource))
def place(built: AgentConfig, request: pytest.FixtureRequest) -> Place:
    """The chat with the agent's build, then that with its draft."""
    return Place(built, request.param, NAMES[request.param])


def _ask(browser: Client, place: Place, content: str, **data: object) -> Conversation:
    """Ask through the page and stop the answer; return the conversation that the reply leads to."""
    sent = browser.post(place.url("send"), {"content": content, **data})
    assert sent.status_code == 302
    asked: Conversation = Conversation.objects.filter(messages__role="user").latest("messages__pk")
    assert sent.headers["Location"] == f"{place.url('page')}?conversation={asked.pk}"
    assert chat.stop(place.agent, place.source, asked)
    return asked


@pytest.fixture
def two(browser: Client, place: Place) -> list[Conversation]:
    return [_ask(browser, place, "Tides?"), _ask(browser, place, "Moons\nand  suns?", new=1)]


def test_a_new_conversation_is_called_by_its_question_and_knows_nothing_of_others(
    browser: Client, place: Place, two: list[Conversation], alice: User
) -> None:
    url = place.url("page")
    assert [row.title for row in two] == ["Tides?", "Moons and suns?"]
    newest = shown(browser.get(url))
    assert "Moons and suns?" in newest
    first = browser.get(url, {"conversation": two[0].pk}, headers=JSON).json()
    assert [message["content"] for message in first["messages"]] == ["Tides?", ""]
    assert {row["title"] for row in first["conversations"]} == {"Tides?", "Moons and suns?"}
    assert browser.get(url, {"new": 1}, headers=JSON).json()["messages"] == []
    ask = chat.ask if place.source == ChatSource.BUILD else chat.ask_draft
    answer = ask(place.agent, alice, "More?", two[0])[1]
    assert [message["content"] for message in history(answer)] == ["More?"]
    assert browser.get(url, headers=JSON).json()["messages"][0]["content"] == "Tides?"


def test_two_conversations_can_be_answered_at_the_same_time(
    browser: Client, place: Place, two: list[Conversation]
) -> None:
    send, stop = place.url("send"), place.url("stop")
    for row in two:
        assert browser.post(send, {"content": "More?", "conversation": row.pk}).status_code == 302
    refused = browser.post(send, {"content": "More?", "conversation": two[0].pk}, headers=JSON)
    assert refused.status_code == 409
    browser.post(stop, {"conversation": two[1].pk})
    waiting = ChatMessage.objects.filter(status="queued")
    assert [message.conversation_id for message in waiting] == [two[0].pk]


def test_a_conversation_is_renamed(browser: Client, place: Place, two: list[Conversation]) -> None:
    url = reverse("builds:conversation_rename", args=[place.agent.pk, two[0].pk])
    assert url in shown(browser.get(place.url("page"), {"conversation": two[0].pk}))
    assert browser.post(url, {"title": "  Sea <b>  "}).status_code == 302
    assert "Sea &lt;b&gt;" in shown(browser.get(place.url("page")))
    for wrong in ("", " ", "x" * 81, "a\x1bb"):
        assert browser.post(url, {"title": wrong}, headers=JSON).status_code == 422
    two[0].refresh_from_db()
    assert two[0].title == "Sea <b>"


def test_one_conversation_is_deleted_after_a_question(
    browser: Client, place: Place, two: list[Conversation]
) -> None:
    url = f"{place.url('clear')}?conversation={two[0].pk}"
    page = shown(browser.get(url))
    assert "“Tides?”: 2 messages" in page
    browser.post(url)
    assert list(Conversation.objects.all()) == [two[1]]
    assert {message.conversation_id for message in ChatMessage.objects.all()} == {two[1].pk}
    assert browser.get(place.url("page"), {"conversation": two[0].pk}).status_code == 404


def test_a_question_in_a_conversation_that_was_just_deleted_is_refused(
    place: Place, two: list[Conversation], alice: User
) -> None:
    chat.clear(place.agent, place.source, two[0])
    ask = chat.ask if place.source == ChatSource.BUILD else chat.ask_draft
    with pytest.raises(NotPossible, match="deleted meanwhile"):
        ask(place.agent, alice, "More?", two[0])
    assert not ChatMessage.objects.filter(content="More?").exists()


def test_conversations_with_builds_and_with_the_draft_are_apart(
    browser: Client, place: Place, two: list[Conversation]
) -> None:
    other = Place(place.agent, *next(each for each in NAMES.items() if each[0] != place.source))
    for url in (other.url("page"), other.url("export"), other.url("clear")):
        assert browser.get(url, {"conversation": two[0].pk}).status_code == 404
    theirs = browser.get(other.url("page"), headers=JSON).json()
    assert (theirs["conversations"], theirs["messages"]) == ([], [])
    _ask(browser, other, "Elsewhere?")
    assert browser.post(place.url("clear"), headers=JSON).json()["deleted"] == 4
    assert [row.title for row in Conversation.objects.all()] == ["Elsewhere?"]


def test_another_agents_or_tenants_conversation_is_not_found(
    browser: Client, place: Place, two: list[Conversation], bob: User, alice: User
) -> None:
    theirs = AgentConfig.objects.create(owner=bob, name="Eve", handle="eve", provider="local", model="m")
    hers = AgentConfig.objects.create(owner=alice, name="Eve", handle="eve", provider="local", model="m")
    for agent in (theirs, hers):
        row = Conversation.objects.create(owner=agent.owner, agent=agent, source=place.source, title="secret")
        assert browser.get(place.url("page"), {"conversation": row.pk}).status_code == 404
        data = {"content": "Hello", "conversation": row.pk}
        assert browser.post(place.url("send"), data).status_code == 404
        assert browser.post(place.url("clear"), data).status_code == 404
        rename = reverse("builds:conversation_rename", args=[place.agent.pk, row.pk])
        assert browser.post(rename, {"title": "x"}).status_code == 404
        export = place.url("export")
        assert browser.get(export, {"conversation": row.pk}).status_code == 404


def test_messages_of_an_earlier_version_belong_to_the_newest(
    browser: Client, place: Place, alice: User
) -> None:
    facts = {"owner": alice, "agent": place.agent, "source": place.source}
    ChatMessage.objects.create(**facts, role="user", content="Old question")
    assert "Old question" in shown(browser.get(place.url("page")))
    assert _ask(browser, place, "Another").title == "Old question"
    assert not ChatMessage.objects.filter(conversation=None).exists()


@pytest.mark.parametrize("form", ["markdown", "json"])
def test_a_conversation_is_downloaded_without_a_key(
    browser: Client, place: Place, alice: User, settings: Settings, form: str
) -> None:
    with OpenAIStandIn(KEY) as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        save_key(alice, "openai", KEY)
    row = _ask(browser, place, f"My key is {KEY}\n```")
    call = {"id": "1", "name": "clock", "arguments": {"key": KEY}, "result": "```\x1b[2J"}
    ChatMessage.objects.filter(role="assistant").update(content="**Noon**", tool_calls=[call])
    page = shown(browser.get(place.url("page")))
    url = f"{place.url('export')}?conversation={row.pk}&form={form}"
    assert url.replace("&", "&amp;") in page or url in page
    file = browser.get(url)
    text = file.content.decode()
    assert file.headers["Content-Disposition"].startswith('attachment; filename="ada-conversation.')
    assert KEY not in text
    assert "**Noon**" in text and f"Ada, {place.source}" in text and "\x1b" not in text
    if form == "json":
        document = json.loads(text)
        assert [message["role"] for message in document["messages"]] == ["user", "assistant"]
        assert document["messages"][1]["tool_calls"][0]["name"] == "clock"
    assert browser.get(url.replace(form, "pdf")).status_code == 422


@pytest.mark.parametrize("path", ["{export}", "{export}?form=json", "/accounts/export/"])
def test_a_download_of_long_answers_takes_little_memory(
    browser: Client, place: Place, alice: User, path: str
) -> None:
    row = _ask(browser, place, "All of it?")
    facts: dict[str, Any] = {"owner": alice, "agent": place.agent, "conversation": row, "role": "assistant"}
    rows = [ChatMessage(**facts, status="done", content="x" * 1_000_000) for _ in range(30)]
    ChatMessage.objects.bulk_create(rows)
    del rows
    tracemalloc.start()
    try:
        file = browser.get(path.format(export=place.url("export")))
        size = sum(map(len, file))
        assert size > (30_000 if "accounts" in path else 30_000_000)
        # The file itself, and not all of its messages besides.
        assert tracemalloc.get_traced_memory()[1] < size * 1.2 + 25_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("question", "title"),
    [("Hi\n there", "Hi there"), ("", "Conversation"), ("word " * 40, ("word " * 15).strip() + "…"),
     ("x" * 200, "x" * 79 + "…")],
)  # fmt: skip
def test_a_title_is_short(question: str, title: str) -> None:
    assert title_from(question) == title
