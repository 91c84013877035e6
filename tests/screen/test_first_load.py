"""What a browser that was never here loads before a page is complete, as `make run` serves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from agentforge.accounts.models import User
from agentforge.live.streams import publish
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.web_process import WebProcess

MOST_BYTES, MOST_REQUESTS = 60_000, 12
# The connection of the worker that holds the streams: the page's own session does not see it.
STREAM_REQUESTS, STREAM_BYTES = 1, 500


@pytest.mark.parametrize("path", ["/sign-in/", "/agents/", "/agents/{}/identity/"])
def test_the_first_load_is_small(
    web: WebProcess,
    chromium: Browser,
    agent: AgentConfig,
    client_of: Callable[[User], Client],
    path: str,
) -> None:
    context = chromium.new_context(base_url=web.url)
    if path != "/sign-in/":
        session = client_of(agent.owner).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    network = context.new_cdp_session(page)
    loaded: list[str] = []
    sizes: list[int] = []
    network.on("Network.requestWillBeSent", lambda event: loaded.append(event["request"]["url"]))
    network.on("Network.loadingFinished", lambda event: sizes.append(round(event["encodedDataLength"])))
    network.send("Network.enable")
    page.goto(path.format(agent.pk))
    if path != "/sign-in/":
        expect(page.locator("body")).to_have_attribute("data-link", "open")
    page.evaluate("() => new Promise((resolve) => requestIdleCallback(resolve))")
    context.close()
    print(path, len(loaded), sum(sizes), *(Path(url).name for url in loaded))
    assert problems == []
    assert len(loaded) + STREAM_REQUESTS <= MOST_REQUESTS, loaded
    assert sum(sizes) + STREAM_BYTES <= MOST_BYTES, list(zip(loaded, sizes, strict=False))


def test_pages_work_from_the_sources_of_their_scripts(
    chromium: Browser, agent: AgentConfig, client_of: Callable[[User], Client], tmp_path: Path
) -> None:
    """Where nothing was collected, browsers load each module by itself."""
    build = enqueue_build(agent, by=agent.owner)
    (tmp_path / "secrets").symlink_to(settings.VAR_DIR / "secrets")
    session = client_of(agent.owner).cookies["sessionid"].value
    own = {"AGENTFORGE_VAR": str(tmp_path), "SECRET_KEY": settings.SECRET_KEY}
    with (
        WebProcess(**own, AGENTFORGE_GO_DIR=str(settings.AGENTFORGE_GO_DIR)) as sources,
        chromium.new_context(base_url=sources.url) as context,
    ):
        context.add_cookies([{"name": "sessionid", "value": session, "url": sources.url}])
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        modules = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).length"
        page.goto(f"/agents/{agent.pk}/identity/")
        expect(page.locator("body")).to_have_attribute("data-link", "open")
        assert page.evaluate(modules) > 20
        page.get_by_label("Description").fill("Knows whales.")
        page.get_by_label("Name").focus()
        expect(page.locator("[data-saved]")).to_contain_text("Saved")
        page.goto(f"/builds/{build.pk}/")
        publish(build.stream_name, {"kind": "line", "stream": "out", "text": "A line from elsewhere."})
        expect(page.locator(".log-text").last).to_have_text("A line from elsewhere.")
        assert problems == []
