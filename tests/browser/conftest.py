from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.drivers.browser_watch import Watched
from tests.drivers.chromium import launch
from tests.drivers.forge import Forge

# A busy machine takes its time.
expect.set_options(timeout=90_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """BROWSER=0 leaves these tests out."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(900))
            if os.environ.get("BROWSER") == "0":
                item.add_marker(pytest.mark.skip(reason="BROWSER=0 leaves the browser tests out"))


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """The whole forge, as a newcomer's first `make run` starts it: local model and all."""
    root = Path(tempfile.mkdtemp(prefix="agentforge-browser-"))
    root.chmod(0o755)
    with Forge(root / "var") as running:
        yield running.wait_until_ready()
    shutil.rmtree(root, ignore_errors=True)


# Not for the session: while Playwright runs, asynchronous tests can't.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser that people use, with all that is around its pages."""
    with sync_playwright() as playwright, launch(playwright, whole=True) as browser:
        yield browser


OpenPage = Callable[..., Watched]


@pytest.fixture
def open_page(chromium: Browser, forge: Forge, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Return a function that opens a fresh browser window; what went wrong in it fails the test."""
    opened: list[Watched] = []

    def open_(scripts: bool = True) -> Watched:
        context = chromium.new_context(base_url=forge.url, java_script_enabled=scripts)
        page: Page = context.new_page()
        page.set_default_timeout(90_000)
        opened.append(Watched(page))
        return opened[-1]

    failures = request.session.testsfailed
    yield open_
    for number, watched in enumerate(opened):
        if request.session.testsfailed > failures:
            watched.keep(request.node.name, number, forge.text)
        watched.page.context.close()
    for watched in opened:
        assert watched.problems == []
