from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from deployments.hosts.netlify import api
from deployments.run import stages
from tests.standins.netlify import NetlifyStandIn
from tests.standins.openai import OpenAIStandIn

from .person import OwnServer, Person
from .walk import Walk
from .workers import BuildWorker


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with OwnServer() as running:
        yield running


@pytest.fixture
def netlify(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetlifyStandIn]:
    with NetlifyStandIn() as running:
        settings.AGENTFORGE_NETLIFY_URL = running.url
        monkeypatch.setattr(api, "FIRST_DELAY", 0.01)
        monkeypatch.setattr(stages, "POLL_SECONDS", 0.01)
        yield running


@pytest.fixture
def providers(
    settings: Settings, server: OwnServer, netlify: NetlifyStandIn, tmp_path: Path
) -> Iterator[list[OpenAIStandIn]]:
    """The local model and OpenAI; nothing is limited but by what a person may do."""
    with OpenAIStandIn(needs_key=False) as local, OpenAIStandIn() as openai:
        local.models = ["smollm2-135m"]
        settings.LOCAL_MODEL, settings.LOCAL_MODEL_URL = True, local.url
        settings.AGENTFORGE_OPENAI_URL = openai.url
        settings.AGENTFORGE_ALLOWED_HOSTS = [server.origin.removeprefix("http://"), *netlify.edge.hosts()]
        settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"
        settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 0)
        yield [local, openai]


@pytest.fixture
def walk_of(
    transactional_db: None,
    alice: User,
    client_of: Callable[[User], Client],
    providers: list[OpenAIStandIn],
    server: OwnServer,
    netlify: NetlifyStandIn,
) -> Iterator[Callable[[int], Walk]]:
    """Return a function that begins a random walk with a seed."""
    workers: list[BuildWorker] = []

    def begin(seed: int) -> Walk:
        chance = random.Random(seed)  # noqa: S311 - the same walk in every run
        local, openai = providers
        workers.append(builds := BuildWorker(chance))
        return Walk(Person(alice, client_of(alice), chance, local, openai, server, netlify, builds))

    yield begin
    for worker in workers:
        worker.close()
