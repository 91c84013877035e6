"""A key that is used to build, chat and download is stored only in the vault."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable

import pytest
from django.http import HttpResponseBase
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from builds.services import enqueue_build
from builds.trial import chat
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from tests.drivers.planted_key import SECRET, every_row, files_below, members, places_of
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Failure, Text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chatted(
    agent: AgentConfig,
    alice: User,
    work: Callable[[], None],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> Build:
    """A build of an agent with the planted key, one answer, and one provider error that quotes the key."""
    caplog.set_level(logging.DEBUG)
    with OpenAIStandIn(SECRET) as openai:
        settings.AGENTFORGE_OPENAI_URL = openai.url
        save_key(alice, "openai", SECRET)
        AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
        agent.refresh_from_db()
        build = enqueue_build(agent, by=alice)
        work()
        for reply in (Text.of("Twice."), Failure(403, "blocked", f"Your key {SECRET} may not do this.")):
            openai.replies.append(reply)
            chat.ask(agent, by=alice, text="When do tides turn?")
            work()
        assert openai.asked[-1].headers["authorization"] == f"Bearer {SECRET}"
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    return build


def body(response: HttpResponseBase) -> bytes:
    assert response.status_code == 200
    return b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]


def test_a_used_key_is_only_in_the_vault(
    chatted: Build, agent: AgentConfig, browser: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    build, pages = f"/builds/{chatted.pk}/", f"/agents/{agent.pk}/"
    urls = ["/agents/", "/builds/", "/keys/", "/accounts/", "/activity/", build, f"{build}log.txt"]
    urls += [f"{pages}{tab}/" for tab in ("identity", "keys", "personality", "capabilities", "builds", "try")]
    texts = [(url, body(browser.get(url))) for url in urls]
    texts += [
        (f"{url} as JSON", body(browser.get(url, headers={"accept": "application/json"}))) for url in urls[:6]
    ]
    archive = body(browser.get(f"{build}download/"))
    texts += members("the download", archive)
    for name in (chatted.stream_name, agent.stream_name):
        texts.append((name, str(list(streams.read(name))).encode()))
    rows = every_row()
    texts += [("the database", rows.encode()), ("the log", caplog.text.encode())]
    texts += files_below(settings.VAR_DIR)
    names = " ".join(name for name, _ in texts)
    assert "ada.so" in names and "provenance.dsse.json" in names and "artifacts/" in names
    assert places_of(SECRET, texts) == []
    assert ApiKey.objects.get(provider="openai").fingerprint in rows


def test_the_search_finds_a_key_in_every_form() -> None:
    data = SECRET.encode()
    for form in (data, data.hex().encode(), *(base64.b64encode(b"x" * n + data + b"yz") for n in range(3))):
        assert places_of(SECRET, [("here", b"before " + form + b" after")]) == ["here"]
    assert places_of(SECRET, [("here", b"sk-planted")]) == []
