"""Start the machine's Chromium for tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

REMEDY = (
    "These tests need Chromium. Install the system's package (apt-get install chromium), or Playwright's own "
    "(.venv/bin/playwright install chromium), or name one: AGENTFORGE_CHROMIUM=/path/to/chromium. "
    "BROWSER=0 leaves these tests out."
)
# The browser that people use, and the same engine without windows, tabs and menus: where no one sees them,
# they still take more processor time than the pages.
WHOLE = ("chromium", "chromium-browser", "google-chrome")
SHELL = ("chromium-headless-shell", "chrome-headless-shell")


def launch(playwright: Playwright, *, whole: bool = False) -> Browser:
    """Return a running browser, to be closed; the test fails with the remedy when there is none.

    It is Chromium's headless shell where that is installed, unless a test is about the whole browser.
    """
    executable = _executable(WHOLE if whole else SHELL + WHOLE)
    if executable is None and not Path(playwright.chromium.executable_path).exists():
        pytest.fail(REMEDY)
    arguments = ["--disable-background-networking"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's own sandbox refuses root
    return playwright.chromium.launch(executable_path=executable, args=arguments)


def _executable(names: tuple[str, ...]) -> str | None:
    """Return the path of the browser that was named for the tests, or of the first that is installed."""
    found = (os.environ.get("AGENTFORGE_CHROMIUM"), *map(shutil.which, names))
    return next((path for path in found if path), None)


@contextmanager
def shared() -> Iterator[Browser]:
    """Run a browser for several tests, which change rows while a window is open.

    Playwright keeps an event loop running in this thread, in which Django refuses to query by itself.
    """
    expect.set_options(timeout=90_000)  # a machine that also compiles is slow
    with (
        pytest.MonkeyPatch.context() as patch,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield browser
