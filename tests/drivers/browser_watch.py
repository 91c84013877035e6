"""Note what a browser complains about while a test drives it."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Response

# A form's answer to wrong input is 422, which the browser reports as a resource that failed to load; htmx
# reports a preview that was given up because the text changed again, or the page was left.
EXPECTED = re.compile(r"status of 422|^htmx:(sendAbort|afterRequest), ")
KEPT = Path(os.environ.get("AGENTFORGE_SCREENSHOTS", Path(tempfile.gettempdir()) / "agentforge-screenshots"))


class Watched:
    """A page with its console errors, refused content, script errors, and answers of 500 and above."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.search(message.text):
            self.problems.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.status} from {response.url}")

    def keep(self, name: str, number: int, output: str) -> None:
        """Keep a picture of the page, and what the forge printed, for whoever looks at the failure."""
        KEPT.mkdir(parents=True, exist_ok=True)
        stem = KEPT / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{number}"
        self.page.screenshot(path=f"{stem}.png", full_page=True)
        stem.with_suffix(".log").write_text(output)
        print(f"The page's last picture and the forge's output: {stem}.png, {stem}.log")
