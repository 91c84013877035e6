"""Operations of HTTP APIs in the chats of the forge: what reads runs, what sends asks a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import ChatMessage
from configs.keys.service_keys import save_service_key
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text
from tests.standins.server import Answer, Asked, StandIn, as_json

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
KEY, SECRET = "sk-test-0123456789abcdef", "api-key-0123456789abcdef"
_SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}, "additionalProperties": False}
_QUERY = [{"name": "q", "in": "query", "argument": "q", "style": "form", "explode": True}]


class PetShop(StandIn):
    """An API that says what it was asked with, its key included."""

    def answer(self, asked: Asked) -> Answer:
        return as_json({"path": asked.path, "key": asked.headers.get("x-key")})


@pytest.fixture
def model(settings: Settings) -> Iterator[OpenAIStandIn]:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with OpenAIStandIn(KEY) as server:
        yield server


@pytest.fixture
def shop(agent: AgentConfig, alice: User, model: OpenAIStandIn) -> Iterator[PetShop]:
    with PetShop() as server:
        save_key(alice, "openai_compatible", KEY, base_url=model.url)
        save_service_key(alice.pk, server.origin, SECRET)
        common = {"schema": _SCHEMA, "parameters": _QUERY, "path": "/pets"}
        operations = [
            {**common, "name": "GET /pets", "function": "api_pets_find", "method": "GET", "reads": True},
            {**common, "name": "POST /pets", "function": "api_pets_add", "method": "POST"},
        ]
        auth = {"kind": "header", "name": "X-Key"}
        entry = {"name": "pets", "url": server.origin, "auth": auth, "operations": operations}
        AgentConfig.objects.filter(pk=agent.pk).update(
            provider="openai_compatible",
            model="gpt-x",
            tools=["api"],
            tool_settings={"api": {"services": [entry]}},
        )
        yield server


def test_what_reads_runs_and_what_sends_asks(
    browser: Client, agent: AgentConfig, work: Work, model: OpenAIStandIn, shop: PetShop
) -> None:
    calls = Calls((Call("api_pets_find", {"q": "a&b"}), Call("api_pets_add", {"q": "rex"})))
    model.replies.extend([calls, Text.of("Done.")])
    url = reverse("builds:draft_send", args=[agent.pk])
    sent = browser.post(url, {"content": "Pets?"}, headers={"accept": "application/json"})
    assert sent.status_code == 202, sent.content
    work()
    answer = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    assert answer.tool_calls[0]["result"] == '{"path": "/pets?q=a%26b", "key": "[key removed]"}'
    assert [asked.method for asked in shop.asked] == ["GET"]
    assert shop.asked[0].headers["x-key"] == SECRET
    assert [call["tool"] for call in answer.waiting_calls] == ["api_pets_add"]
    reverse_url = reverse("builds:message_approve", args=[agent.pk, answer.pk])
    browser.post(reverse_url, {"approval": answer.waiting_calls[0]["id"], "answer": "once"})
    work()
    assert [asked.method for asked in shop.asked] == ["GET", "POST"]
