"""A browser window that is signed in to a web process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.drivers.chromium import launch
from tests.drivers.web_process import WebProcess

BROWSER_TEST = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 skips the browser tests"),
]


@contextmanager
def signed_in(forge: WebProcess, session: str) -> Iterator[Page]:
    """Yield a window with a session; errors on its pages fail the test."""
    with sync_playwright() as playwright, launch(playwright) as browser:
        context = browser.new_context(base_url=forge.url, viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": session, "url": forge.url}])
        expect.set_options(timeout=60_000)  # a machine that also compiles is slow
        problems: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        yield page
        assert problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
