"""The states that have their pictures taken break no rule: of axe, width, stillness and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from agentforge.accounts.models import User
from tests.drivers import html_checker
from tests.drivers.web_process import WebProcess

from . import shots, shots_of_tools
from .conftest import NARROW, WIDE
from .shots import build
from .test_accessibility import problems_now

__all__ = ["build"]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Collect the sources of pages by state; at the end, one start of the checker reads them all."""
    found: dict[str, str] = {}
    yield found
    problems = html_checker.problems(found, tmp_path_factory.mktemp("pages"))
    assert problems == [], "\n".join(problems)


@pytest.fixture
def shoot(
    chromium: Browser,
    web: WebProcess,
    alice: User,
    client_of: Callable[[User], Client],
    sources: dict[str, str],
) -> Iterator[shots.Shoot]:
    """Return a function that checks a path in a state: narrow and dark, then wide and light."""
    session = client_of(alice).cookies["sessionid"].value
    context = chromium.new_context(base_url=web.url, reduced_motion="reduce")
    context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
    problems: list[str] = []

    def check(state: str, path: str, before: Callable[[Page], object] | None = None) -> None:
        page = context.new_page()
        page.set_viewport_size(NARROW)
        page.emulate_media(color_scheme="dark")
        name = f"{path} ({state})"
        sources[name] = shots.open_page(page, state, path)
        if before is not None:
            before(page)
        problems.extend(problems_now(page, f"{name}, narrow"))
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        problems.extend(problems_now(page, f"{name}, wide", as_loaded=False))
        page.close()
        context.set_offline(False)

    yield check
    context.close()
    assert problems == [], "\n".join(problems)


test_empty = shots.test_empty
test_an_agent_from_draft_to_out_of_date = shots.test_an_agent_from_draft_to_out_of_date
test_a_build_that_runs_and_fails = shots.test_a_build_that_runs_and_fails
test_a_deployment_from_its_queue_to_its_end = shots.test_a_deployment_from_its_queue_to_its_end
test_servers_and_apis = shots_of_tools.test_servers_and_apis
test_skills = shots_of_tools.test_skills
test_another_agent = shots_of_tools.test_another_agent
test_a_web_search = shots_of_tools.test_a_web_search
test_refusals_and_outages = shots.test_refusals_and_outages
test_an_evaluation = shots.test_an_evaluation
test_knowledge_and_what_an_answer_asks_and_cites = shots.test_knowledge_and_what_an_answer_asks_and_cites
