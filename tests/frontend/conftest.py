from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from agentforge.accounts.models import User
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.drivers.chromium import shared
from tests.drivers.web_process import WebProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """BROWSER=0 leaves the tests out that drive a browser."""
    for item in items:
        if item.get_closest_marker("browser") and os.environ.get("BROWSER") == "0":
            item.add_marker(pytest.mark.skip(reason="BROWSER=0 leaves the browser tests out"))


@pytest.fixture
def alice(transactional_db: None, alice: User) -> User:
    """Alice, committed: the web process has connections of its own."""
    return alice


@pytest.fixture
def agent(alice: User) -> AgentConfig:
    values = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    return create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))


@pytest.fixture
def build(agent: AgentConfig, alice: User) -> Build:
    """A queued build, whose log a test writes."""
    return enqueue_build(agent, by=alice)


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[WebProcess]:
    with WebProcess() as process:
        yield process


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with shared() as browser:
        yield browser


@pytest.fixture
def page(
    chromium: Browser, web: WebProcess, build: Build, alice: User, client_of: Callable[[User], Client]
) -> Iterator[Page]:
    """A browser window in which alice is signed in."""
    session = client_of(alice).cookies["sessionid"].value
    with chromium.new_context(base_url=web.url, viewport={"width": 1440, "height": 900}) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
        context.set_default_timeout(90_000)
        window = context.new_page()
        problems: list[str] = []
        window.on("pageerror", lambda error: problems.append(str(error)))
        yield window
        assert problems == []
