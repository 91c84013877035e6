"""Chats of one person hold up nobody else's, whatever the models do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds import recovery
from builds.models import Build, ChatMessage
from builds.trial import chat
from configs.models import AgentConfig
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess, let_hearts_stop
from tests.drivers.built_agents import copies
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"accept": "application/json"}
HELD_BACK = "Waiting for another one of yours: 2 at most run at the same time."


@pytest.fixture
def slow_model(local_model: OpenAIStandIn, build: Build) -> Iterator[OpenAIStandIn]:
    """A model that answers nobody until it may go on."""
    local_model.go_on.clear()
    yield local_model
    local_model.go_on.set()


@pytest.fixture
def crowd(slow_model: OpenAIStandIn, build: Build, alice: User, settings: Settings) -> list[AgentConfig]:
    """Six agents of alice, each asked something; two of them may answer at once."""
    settings.MOST_RUNNING_CHATS = 2
    agents = copies(build, alice.pk, 6)
    for agent in agents:
        chat.ask(agent, by=alice, text="Hello")
    return agents


def test_chats_of_one_person_leave_slots_to_others(
    crowd: list[AgentConfig],
    slow_model: OpenAIStandIn,
    build: Build,
    bob: User,
    client_of: Callable[[User], Client],
) -> None:
    [his] = copies(build, bob.pk, 1)
    with _worker(slow_model):
        for agent in crowd[:2]:
            wait_for(agent.stream_name, _starts)
        sent = client_of(bob).post(reverse("builds:send", args=[his.pk]), {"content": "Hi"}, headers=JSON)
        assert sent.status_code == 202
        # While none of hers ends.
        wait_for(his.stream_name, _starts)
        statuses = [_answer(agent).status for agent in crowd]
        assert statuses == ["streaming"] * 2 + ["queued"] * 4
        slow_model.go_on.set()
        for agent in (*crowd, his):
            wait_for(agent.stream_name, _ends)
    answers = [_answer(agent) for agent in crowd]
    assert [answer.status for answer in answers] == ["done"] * 6


def test_answers_of_one_person_come_in_the_order_of_the_questions(
    crowd: list[AgentConfig], slow_model: OpenAIStandIn
) -> None:
    slow_model.go_on.set()
    with _worker(slow_model):
        for agent in crowd:
            wait_for(agent.stream_name, _ends)
    starts = [_started(agent) for agent in crowd]
    # Two run at once, so neighbours may start in either order.
    assert all(earlier < later for earlier, later in zip(starts, starts[2:], strict=False)), starts


def test_a_waiting_answer_says_why_it_waits(
    crowd: list[AgentConfig], slow_model: OpenAIStandIn, browser: Client
) -> None:
    with _worker(slow_model):
        for agent in crowd[:2]:
            wait_for(agent.stream_name, _starts)
        url = reverse("builds:try", args=[crowd[-1].pk])
        assert HELD_BACK in browser.get(url).content.decode()
        assert browser.get(url, headers=JSON).json()["messages"][-1]["waiting"] == HELD_BACK
        slow_model.go_on.set()
        wait_for(crowd[-1].stream_name, _ends)
    assert browser.get(url, headers=JSON).json()["messages"][-1]["waiting"] == ""


def test_places_in_the_queue_are_published_as_it_moves(
    slow_model: OpenAIStandIn, build: Build, alice: User, bob: User, olga: User
) -> None:
    line = [copies(build, owner.pk, 1)[0] for owner in (alice, bob, olga)]
    for agent, owner in zip(line, (alice, bob, olga), strict=True):
        chat.ask(agent, by=owner, text="Hello")
    with _worker(slow_model, 1):
        wait_for(line[1].stream_name, _says("Next in the queue."))
        wait_for(line[2].stream_name, _says("2nd in the queue."))
        slow_model.go_on.set()
        wait_for(line[2].stream_name, _says("Next in the queue."))
        wait_for(line[2].stream_name, _ends)


def test_a_dead_workers_answers_free_their_slots(crowd: list[AgentConfig], slow_model: OpenAIStandIn) -> None:
    with _worker(slow_model) as worker:
        for agent in crowd[:2]:
            wait_for(agent.stream_name, _reaches_the_model)
        worker.kill()
    let_hearts_stop()
    assert recovery.recover() == 2
    slow_model.go_on.set()
    with _worker(slow_model):
        for agent in crowd:
            wait_for(agent.stream_name, _ends)
    assert [_answer(agent).status for agent in crowd] == ["failed"] * 2 + ["done"] * 4


def _worker(model: OpenAIStandIn, concurrency: int = 3) -> WorkerProcess:
    settings = {"LOCAL_MODEL_URL": model.url, "CHAT_CONCURRENCY": str(concurrency)}
    return WorkerProcess(queues="trials", concurrency=concurrency, grace=1, under=(), **settings)


def _answer(agent: AgentConfig) -> ChatMessage:
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    return answer


def _event(record: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = record.get("event", {})
    return event


def _starts(record: dict[str, Any]) -> bool:
    return _event(record).get("type") == "start"


def _reaches_the_model(record: dict[str, Any]) -> bool:
    return _event(record).get("type") == "network"


def _ends(record: dict[str, Any]) -> bool:
    return _event(record).get("type") in ("done", "error")


def _says(words: str) -> Callable[[dict[str, Any]], bool]:
    return lambda record: _event(record).get("words") == words


def _started(agent: AgentConfig) -> float:
    return float(wait_for(agent.stream_name, _starts)["t"])
