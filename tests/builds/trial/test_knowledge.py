"""Files that are added to an agent: read, compiled in, searched and cited, in the draft and in a build."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build, ChatMessage
from builds.services import enqueue_build
from builds.trial import chat
from configs.keys.vault import save_key
from configs.models import AgentConfig, Revision
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"accept": "application/json"}
HANDBOOK = (
    b"# Handbook\n\n## Refunds\n\nA refund is paid within fourteen days.\n\n## Shipping\n\nThe same day.\n"
)
SEARCH = Calls((Call("knowledge_search", {"queries": ["when is a refund paid"]}),))
QUOTED = Text.of(
    "“A refund is paid within fourteen days.” [handbook.md, Refunds]\n\n"
    "“Shipping takes thirty days.” [handbook.md, Shipping]"
)


async def _run_worker() -> None:
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                queues=["builds", "trials", "process"],
                wait=False,
                install_signal_handlers=False,
                listen_notify=False,
                concurrency=4,
            )


def _work() -> None:
    asyncio.run(_run_worker())


@pytest.fixture
def openai(settings: Settings) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        yield server


@pytest.fixture
def knowing(alice: User, openai: OpenAIStandIn) -> AgentConfig:
    """Alice's agent, on a model that can use tools."""
    save_key(alice, "openai", openai.key)
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x"}
    return create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))


def _add(browser: Client, agent: AgentConfig, name: str, content: bytes) -> Any:
    upload = SimpleUploadedFile(name, content)
    return browser.post(reverse("configs:file_add", args=[agent.pk]), {"added": upload}, headers=JSON)


def _files(browser: Client, agent: AgentConfig) -> list[dict[str, Any]]:
    url = reverse("configs:knowledge", args=[agent.pk])
    files: list[dict[str, Any]] = browser.get(url, headers=JSON).json()["files"]
    return files


def _answer(agent: AgentConfig, source: str) -> ChatMessage:
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, source=source, role="assistant").latest(
        "pk"
    )
    return answer


def test_a_file_is_read_compiled_in_searched_and_cited(
    browser: Client, knowing: AgentConfig, alice: User, openai: OpenAIStandIn
) -> None:
    added = _add(browser, knowing, "handbook.md", HANDBOOK)
    assert added.status_code == 201, added.content
    assert added.json()["files"][0]["state"] == "queued"
    _work()
    (file,) = _files(browser, knowing)
    assert (file["name"], file["state"], file["passages"]) == ("handbook.md", "ready", 2)
    openai.replies.extend([SEARCH, QUOTED])
    browser.post(reverse("builds:draft_send", args=[knowing.pk]), {"content": "Refunds?"}, headers=JSON)
    _work()
    drafted = _answer(knowing, "draft")
    build = enqueue_build(AgentConfig.objects.get(pk=knowing.pk), by=alice)
    _work()
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    openai.replies.extend([SEARCH, QUOTED])
    chat.ask(knowing, alice, "Refunds?")
    _work()
    built = _answer(knowing, "build")
    for answer in (drafted, built):
        assert answer.status == "done", answer.error
        assert "fourteen days" in answer.tool_calls[0]["result"]
        assert "[handbook.md, Handbook > Refunds]" in answer.tool_calls[0]["result"]
        first, second = answer.citations
        assert (first["found"], first["quotes"][0]["found"]) == (True, True)
        assert (second["found"], second["quotes"][0]["found"]) == (True, False)
    prompt = openai.asked[-1].json["messages"][0]["content"]
    assert "handbook.md" in prompt
    names = [tool["function"]["name"] for tool in openai.asked[-1].json["tools"]]
    assert names == ["knowledge_search"]
    document = json.loads(Revision.objects.get(agent=knowing).canonical_json)
    assert document["knowledge"]["files"][0]["name"] == "handbook.md"
    assert Build.objects.count() == 1


def test_a_table_is_queried_whole(browser: Client, knowing: AgentConfig, openai: OpenAIStandIn) -> None:
    """Also after the tool is chosen: the index of a draft without it has the passages only."""
    rows = "".join(f"{region};{amount}\n" for amount in range(400) for region in ("North", "South"))
    _add(browser, knowing, "sales.csv", f"Region;Amount\n{rows}".encode())
    _work()
    query = {
        "file": "sales.csv",
        "group_by": ["region"],
        "compute": [{"function": "sum", "column": "Amount"}],
    }
    results = []
    for tools in ([], ["data_query"]):
        AgentConfig.objects.filter(pk=knowing.pk).update(tools=tools)
        openai.replies.extend([Calls((Call("data_query", query),)), Text.of("Done.")])
        browser.post(reverse("builds:draft_send", args=[knowing.pk]), {"content": "Total?"}, headers=JSON)
        _work()
        results.append(_answer(knowing, "draft").tool_calls[0]["result"])
    assert "there is no tool" in results[0]
    assert results[1].startswith("Region,sum(Amount)\nNorth,79800\nSouth,79800\n")
    assert "Tables: sales.csv (Region, Amount)" in str(json.loads(openai.asked[-1].body))
