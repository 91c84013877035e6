from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from configs.models import AgentConfig
from tests.drivers.web_process import WebProcess
from tests.standins.wiretap import Wiretap

from .builder import SECRET, BuilderProcess

NAME = "iron"


@dataclass
class Pair:
    """A forge's web process, its builder, and a wiretap in each direction."""

    web: WebProcess
    builder: BuilderProcess
    to_forge: Wiretap
    to_builder: Wiretap

    def restart_web(self) -> None:
        """Kill the forge's web process with SIGKILL, and start another one."""
        self.web.kill()
        self.web.start()
        self.to_forge.target = self.web.url


@pytest.fixture(scope="session")
def running_pair(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    var: Path = tmp_path_factory.mktemp("builder")
    builders = f'[{{"name": "{NAME}", "url": "http://127.0.0.1:9", "secret": "{SECRET}"}}]'
    with django_db_blocker.unblock(), Wiretap() as to_forge, Wiretap() as to_builder:
        web = WebProcess(AGENTFORGE_BUILDERS=builders).start()
        to_forge.target = web.url
        builder = BuilderProcess(var, to_forge.url)
        builder.make_database()
        to_builder.target = builder.start().url
        yield Pair(web, builder, to_forge, to_builder)
        builder.stop()
        web.stop()


@pytest.fixture
def agent(agent: AgentConfig, request: pytest.FixtureRequest) -> AgentConfig:
    """An agent unique to the test: files that are stored already are not sent again."""
    agent.description = request.node.name
    agent.save()
    return agent


@pytest.fixture
def pair(running_pair: Pair, transactional_db: None, settings: Settings) -> Iterator[Pair]:
    """A builder configured as `iron` in the test's forge."""
    settings.AGENTFORGE_BUILDERS = [{"name": NAME, "url": running_pair.to_builder.url, "secret": SECRET}]
    for tap in (running_pair.to_forge, running_pair.to_builder):
        tap.crossed.clear()
    yield running_pair
    for tap in (running_pair.to_forge, running_pair.to_builder):
        tap.gate = lambda body: None
