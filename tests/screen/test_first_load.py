"""What a browser that was never here loads before a page is complete, as `make run` serves it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from agentforge import static_files
from agentforge.accounts.models import User
from configs.models import AgentConfig
from tests.drivers.web_process import ROOT, WebProcess, environment

MOST_BYTES, MOST_REQUESTS = 60_000, 12
# The connection of the worker that holds the streams: the page's own session does not see it.
STREAM_REQUESTS, STREAM_BYTES = 1, 500


@pytest.fixture(scope="module")
def collected(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A web process that serves collected files, and takes the sessions of these tests."""
    var = tmp_path_factory.mktemp("collected")
    (var / "secrets").symlink_to(settings.VAR_DIR / "secrets")
    own = {"AGENTFORGE_VAR": str(var), "SECRET_KEY": settings.SECRET_KEY}
    # Go is as ready as elsewhere: while it is not, a page is read again and again.
    own["AGENTFORGE_GO_DIR"] = str(settings.AGENTFORGE_GO_DIR)
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment(**own), check=True)
    static_files.mark_collected(var / "static", static_files.version(ROOT / "static"))
    with WebProcess(**own) as web:
        yield web


@pytest.mark.parametrize("path", ["/sign-in/", "/agents/", "/agents/{}/identity/"])
def test_the_first_load_is_small(
    collected: WebProcess,
    chromium: Browser,
    agent: AgentConfig,
    client_of: Callable[[User], Client],
    path: str,
) -> None:
    context = chromium.new_context(base_url=collected.url)
    if path != "/sign-in/":
        session = client_of(agent.owner).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": collected.url}])
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
