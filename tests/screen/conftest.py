"""What every moment of the screen shows, in one browser on one web process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.drivers.chromium import shared
from tests.drivers.web_process import WebProcess
from tests.standins.a2a_agent import A2AStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.search import SearXNGStandIn

WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            if os.environ.get("BROWSER") == "0":
                item.add_marker(pytest.mark.skip(reason="BROWSER=0 leaves the browser tests out"))


@pytest.fixture(scope="package")
def model() -> Iterator[OpenAIStandIn]:
    """A server in the local model's place, for the web process and for this one."""
    with OpenAIStandIn(needs_key=False) as server:
        server.models = ["smollm2-135m"]
        yield server


@pytest.fixture(scope="package")
def search_service() -> Iterator[SearXNGStandIn]:
    """A search service that the web process may reach."""
    with SearXNGStandIn() as server:
        yield server


@pytest.fixture(scope="package")
def harbour() -> Iterator[A2AStandIn]:
    """Another agent that the web process may reach."""
    with A2AStandIn() as agent:
        yield agent


@pytest.fixture(scope="package")
def web(
    django_db_setup: None, model: OpenAIStandIn, search_service: SearXNGStandIn, harbour: A2AStandIn
) -> Iterator[WebProcess]:
    allowed = ",".join(urlsplit(url).netloc for url in (search_service.url, harbour.url))
    with WebProcess(LOCAL_MODEL="1", LOCAL_MODEL_URL=model.url, AGENTFORGE_ALLOWED_HOSTS=allowed) as process:
        yield process


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with shared() as browser:
        yield browser


@pytest.fixture
def alice(chromium: Browser, transactional_db: None, alice: User) -> User:
    """Alice, committed: the web process has connections of its own."""
    return alice


@pytest.fixture
def agent(alice: User, model: OpenAIStandIn, settings: Settings) -> AgentConfig:
    settings.LOCAL_MODEL, settings.LOCAL_MODEL_URL = True, model.url
    values = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    return create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))


Windows = Callable[..., Page]


@pytest.fixture
def window(
    chromium: Browser, web: WebProcess, alice: User, client_of: Callable[[User], Client]
) -> Iterator[Windows]:
    """Return a function that opens a window in which alice is signed in; a script error fails the test."""
    session = client_of(alice).cookies["sessionid"].value
    contexts, problems = [], []

    def open_(path: str, size: ViewportSize = WIDE, *, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=web.url, viewport=size, java_script_enabled=scripts, reduced_motion="reduce"
        )
        context.set_default_timeout(90_000)
        contexts.append(context)
        context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    _wait_for_requests()
    assert problems == []


def _wait_for_requests() -> None:
    """Wait until the web process asks the database nothing more: the next step empties its tables."""
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
    quiet = 0
    for _ in range(3000):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_sleep(0.02), ({busy} AND pid <> pg_backend_pid())")
            quiet = quiet + 1 if cursor.fetchone()[1] == 0 else 0
        if quiet == 10:
            return
    raise AssertionError("The web process never came to rest.")
