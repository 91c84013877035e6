"""Pictures of pages in their states, to be looked at: pytest -n 0 tests/screen/shots.py.

They go to AGENTFORGE_SCREENSHOTS, or a folder agentforge-screenshots of the temporary files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, ViewportSize

from agentforge.accounts.models import User
from builds.models import BuildStatus
from builds.services import cancel_build, enqueue_build
from configs import validation
from configs.models import AgentConfig
from tests.drivers.browser_watch import KEPT
from tests.drivers.web_process import WebProcess

from .conftest import NARROW, WIDE
from .test_states import finish

LISTS = ("/agents/", "/agents/?shown=archived", "/builds/", "/deployments/", "/keys/", "/trash/")
SIGNED_IN = (*LISTS, "/agents/new/", "/builds/999999/")

Shoot = Callable[[str, str], None]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def shoot(
    request: pytest.FixtureRequest,
    scheme: Any,
    chromium: Browser,
    web: WebProcess,
    alice: User,
    client_of: Callable[[User], Client],
) -> Shoot:
    """Return a function that takes a picture of a path in a state."""
    size: ViewportSize = request.param
    session = client_of(alice).cookies["sessionid"].value

    def take(state: str, path: str) -> None:
        context = chromium.new_context(
            base_url=web.url, viewport=size, color_scheme=scheme, reduced_motion="reduce"
        )
        context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
        page = context.new_page()
        page.goto(path)
        name = f"{size['width']}-{scheme}-{state}-{path.strip('/').replace('/', '-').replace('?', '-')}"
        KEPT.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=KEPT / f"{name}.png", full_page=True)
        context.close()

    return take


def test_empty(shoot: Shoot) -> None:
    for path in SIGNED_IN:
        shoot("empty", path)


def test_an_agent_from_draft_to_out_of_date(shoot: Shoot, agent: AgentConfig, alice: User) -> None:
    at = f"/agents/{agent.pk}"
    tabs = ("identity", "keys", "personality", "capabilities", "builds", "try", "deploy")
    for tab in tabs:
        shoot("draft", f"{at}/{tab}/")
    validation.validate_draft(validation.start_run(agent).pk)
    shoot("valid", f"{at}/identity/")
    for state, status in (("succeeded", BuildStatus.SUCCEEDED), ("failed", BuildStatus.FAILED)):
        build = enqueue_build(agent, by=alice)
        shoot(f"queued-before-{state}", f"/builds/{build.pk}/")
        finish(build, status)
        for path in (f"/builds/{build.pk}/", f"{at}/builds/", f"{at}/try/"):
            shoot(state, path)
    build = enqueue_build(agent, by=alice)
    cancel_build(build, by=alice)
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    for path in (
        f"/builds/{build.pk}/",
        f"{at}/identity/",
        f"{at}/builds/",
        f"{at}/try/",
        "/agents/",
        "/builds/",
    ):
        shoot("out-of-date", path)
