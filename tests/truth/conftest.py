from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from tests.standins.openai import OpenAIStandIn

from .person import OwnServer, Person
from .walk import Walk
from .workers import BuildWorker


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with OwnServer() as running:
        yield running


@pytest.fixture
def providers(settings: Settings, server: OwnServer, tmp_path: Path) -> Iterator[list[OpenAIStandIn]]:
    """The local model and OpenAI; nothing is limited but by what a person may do."""
    with OpenAIStandIn(needs_key=False) as local, OpenAIStandIn() as openai:
        local.models = ["smollm2-135m"]
        settings.LOCAL_MODEL, settings.LOCAL_MODEL_URL = True, local.url
        settings.AGENTFORGE_OPENAI_URL = openai.url
        settings.AGENTFORGE_ALLOWED_HOSTS = [server.origin.removeprefix("http://")]
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
) -> Callable[[int], Walk]:
    """Return a function that begins a random walk with a seed."""

    def begin(seed: int) -> Walk:
        chance = random.Random(seed)  # noqa: S311 - the same walk in every run
        local, openai = providers
        builds = BuildWorker(chance)
        return Walk(Person(alice, client_of(alice), chance, local, openai, server, builds))

    return begin
