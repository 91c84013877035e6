"""Start the machine's Chromium for tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

REMEDY = (
    "These tests need Chromium. Install the system's package (apt-get install chromium), or Playwright's own "
    "(.venv/bin/playwright install chromium), or name one: AGENTFORGE_CHROMIUM=/path/to/chromium. "
    "BROWSER=0 leaves these tests out."
)


def launch(playwright: Playwright) -> Browser:
    """Return a running browser, to be closed; the test fails with the remedy when there is none."""
    named = os.environ.get("AGENTFORGE_CHROMIUM")
    result = [named, *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    executable = next((path for path in result if path), None)
    if executable is None and not Path(playwright.chromium.executable_path).exists():
        pytest.fail(REMEDY)
    arguments = ["--disable-background-networking"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's own sandbox refuses root
    return playwright.chromium.launch(executable_path=executable, args=arguments)
