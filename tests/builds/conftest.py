from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.compiler import build_plan
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.standins.openai import OpenAIStandIn


@pytest.fixture
def local_model(settings: Settings) -> Iterator[OpenAIStandIn]:
    """A server in the local model's place, that says what a test wants."""
    with OpenAIStandIn(needs_key=False) as server:
        server.models = ["smollm2-135m"]
        settings.LOCAL_MODEL_URL = server.url
        settings.LOCAL_MODEL = True
        yield server


@pytest.fixture
def agent(local_model: OpenAIStandIn, alice: User) -> AgentConfig:
    """Alice's agent, on the local model."""
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    draft = AgentConfig(owner=alice, name="Ada", handle="ada", **values)
    return create_agent(draft)


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    """Alice's signed-in client."""
    return client_of(alice)


@pytest.fixture
def own_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of builds for this process: another one may be proving the common one at this moment."""
    monkeypatch.setattr(build_plan, "FORMAT", f"of process {os.getpid()}")


async def _run_worker(queues: Sequence[str]) -> None:
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                queues=list(queues),
                wait=False,
                install_signal_handlers=False,
                listen_notify=False,
                concurrency=4,
            )


@pytest.fixture
def work(transactional_db: None) -> Callable[..., None]:
    """Return a function that runs a real worker until no job of these queues is left."""
    return lambda *queues: asyncio.run(_run_worker(queues or ("builds", "trials")))


@pytest.fixture
def build(agent: AgentConfig, alice: User, work: Callable[[], None]) -> Build:
    """Alice's finished build of the agent."""
    enqueued = enqueue_build(agent, by=alice)
    work()
    enqueued.refresh_from_db()
    return enqueued
