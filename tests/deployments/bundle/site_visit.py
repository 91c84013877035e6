"""Visit a deployed agent's page in Chromium, in a separate process: `visit URL PASSWORD QUESTION`."""

from __future__ import annotations

import json
import sys

from playwright.sync_api import expect, sync_playwright

from tests.drivers.chromium import launch


def main(url: str, password: str, question: str) -> None:
    problems: list[str] = []
    with sync_playwright() as playwright, launch(playwright) as browser:
        page = browser.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith(url) else problems.append(sent.url))
        page.on(
            "console", lambda line: problems.append(line.text) if "Content Security" in line.text else None
        )
        page.goto(url)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Open").click()
        page.get_by_label("Message").fill(question)
        page.get_by_role("button", name="Send").click()
        # The element has a state while the answer is streamed.
        answer = page.locator("#messages li:nth-child(3):not([data-state]) p")
        expect(answer).not_to_be_empty(timeout=180_000)
        messages = page.locator("#messages li p").all_text_contents()
    print(json.dumps({"messages": messages, "problems": problems}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
