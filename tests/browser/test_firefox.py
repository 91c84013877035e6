"""The main job in Firefox: sign up, make an agent, compile it with its log in view, get an answer."""

from __future__ import annotations

import secrets

from tests.drivers.firefox import Firefox
from tests.drivers.forge import Forge

from . import journey


def test_the_main_job_in_firefox(forge: Forge) -> None:
    with Firefox(forge.url) as firefox:
        _sign_up(firefox)
        _make_agent(firefox)
        _compile(firefox)
        _ask(firefox)
        assert firefox.problems == []


def _sign_up(firefox: Firefox) -> None:
    firefox.goto("/sign-up/")
    firefox.fill("E-mail address", f"ada-{secrets.token_hex(4)}@example.com")
    firefox.press("Tab")
    firefox.type(journey.PASSWORD)
    firefox.click("button", "Create account")
    firefox.wait_for_text("h1", "Agents")


def _make_agent(firefox: Firefox) -> None:
    firefox.click("link", "New agent")
    firefox.wait_for_text("h1", "New agent")
    firefox.fill("Name", "Ada of Firefox")
    firefox.fill("What should it do?", "Answers questions about capitals.")
    firefox.click("button", "Create agent")
    firefox.wait_for_text("h1", "Ada of Firefox")


def _compile(firefox: Firefox) -> None:
    """Lines of the log are seen while the build runs, and each of them once."""
    firefox.click("link", "Go to Build")
    firefox.wait_for_text("h2", "Build")
    firefox.click("button", "Compile")
    firefox.wait_for("document.querySelector('.log-line') && document.querySelector('[data-live]')")
    firefox.wait_for_text("h1", "Succeeded", 500)
    numbers = firefox.evaluate(
        "() => [...document.querySelectorAll('.log-line')].map((line) => line.dataset.n).join(' ')"
    ).split()
    assert len(numbers) == len(set(numbers)) > 0


def _ask(firefox: Firefox) -> None:
    """The answer comes in the page, and stays after a reload."""
    firefox.click("link", "Try it")
    firefox.fill("Message", journey.QUESTION)
    firefox.click("button", "Send")
    done = "document.querySelector('.chat-message[data-role=assistant][data-status=done] [data-chat-text]')"
    answer = f"/\\w/.test({done}?.innerText ?? '')"
    firefox.wait_for(answer, 120)
    firefox.reload()
    firefox.wait_for(answer)
    assert firefox.evaluate("() => document.querySelectorAll('.chat-message').length") == 2
