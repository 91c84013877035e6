from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from deployments.accounts import host_accounts
from deployments.hosts.netlify import api
from deployments.models import Access, Site
from deployments.run import stages
from deployments.sites import lifecycle
from tests.standins.netlify import NetlifyStandIn
from tests.standins.openai import OpenAIStandIn

from .deployment_jobs import run_jobs
from .finished_builds import build_of
from .hosts import netlify_cli


@pytest.fixture
def netlify(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetlifyStandIn]:
    """Netlify's API and edge on this machine."""
    with NetlifyStandIn() as server:
        settings.AGENTFORGE_NETLIFY_URL = server.url
        settings.AGENTFORGE_ALLOWED_HOSTS = server.edge.hosts()
        # Tests hold back more deployments of one person at once than a person may have.
        settings.MOST_RUNNING_DEPLOYMENTS = 0
        # Short delays; the rules are the same.
        monkeypatch.setattr(api, "FIRST_DELAY", 0.01)
        # What a test holds back is not given up and sent again meanwhile, however slow the machine is.
        monkeypatch.setattr(api, "SECONDS", 120.0)
        monkeypatch.setattr(stages, "POLL_SECONDS", 0.01)
        yield server


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the netlify-cli while other tests run: that takes a minute, mostly of waiting."""
    is_first_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if is_first_worker and any(item.path.name == "test_netlify_cli.py" for item in session.items):
        threading.Thread(target=_install_netlify_cli, daemon=True).start()


def _install_netlify_cli() -> None:
    # The tests wait for its lock, and report the same failure.
    with suppress(netlify_cli.NoNpm, OSError, subprocess.SubprocessError):
        netlify_cli.installed()


@pytest.fixture
def agent(alice: User, settings: Settings) -> AgentConfig:
    """Alice's agent, with a local model that is not running."""
    settings.LOCAL_MODEL_URL = "http://127.0.0.1:9/v1"
    settings.LOCAL_MODEL = True
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    return create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))


@pytest.fixture
def site(agent: AgentConfig, alice: User, netlify: NetlifyStandIn) -> Site:
    """Alice's new site for the agent, open to everybody."""
    host_accounts.connect(alice, netlify.token)
    created = lifecycle.create_site(agent, "ada", "team-one", alice)
    lifecycle.change(created, lifecycle.Settings(access=Access.PUBLIC), alice)
    created.refresh_from_db()
    return created


@pytest.fixture
def build(agent: AgentConfig, alice: User) -> Build:
    return build_of(agent, alice)


@pytest.fixture
def model(settings: Settings, agent: AgentConfig) -> Iterator[OpenAIStandIn]:
    """A stand-in of the agent's local model that repeats each message."""
    with OpenAIStandIn(needs_key=False) as server:
        server.models = ["smollm2-135m"]
        settings.LOCAL_MODEL_URL = server.url
        yield server


@pytest.fixture
def work(transactional_db: None) -> Callable[[], None]:
    """Return a function that runs a real worker until no job is left."""
    return lambda: run_jobs("deployments")
