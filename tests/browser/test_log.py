"""A log of 200,000 lines in a real browser: windowed, linked, searched, followed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from builds.logs.ansi import spans
from tests.drivers.forge import ROOT, Forge

from . import journey
from .conftest import OpenPage

LONG = 200_000
# What is drawn of a log, whatever its length: what is in sight and some around it.
MOST_DRAWN = 150


class Log:
    """A build's log, written by a process of its own as it is told."""

    def __init__(self, forge: Forge, email: str) -> None:
        environment = {**os.environ, "AGENTFORGE_VAR": str(forge.var_dir)}
        environment.pop("DATABASE_URL", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.long_log", email],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.url = f"/builds/{int(self._stdout.readline())}/"

    def tell(self, command: str) -> None:
        self._stdin.write(f"{command}\n")
        self._stdin.flush()
        assert self._stdout.readline() == "done\n"

    def close(self) -> None:
        self._process.communicate(timeout=60)


WriteLog = Callable[[str], Log]


@pytest.fixture
def write_log(forge: Forge) -> Iterator[WriteLog]:
    opened: list[Log] = []

    def open_(email: str) -> Log:
        opened.append(Log(forge, email))
        return opened[-1]

    yield open_
    for log in opened:
        log.close()


def test_a_very_long_log(open_page: OpenPage, write_log: WriteLog) -> None:
    page = open_page().page
    log = write_log(journey.sign_up(page))
    log.tell(f"lines {LONG - 1}")
    log.tell("text err main.go:1:2: undefined: somewhere")
    log.tell("end failed")
    page.goto(log.url)
    lines = page.locator(".log-line")
    expect(page.locator("#L1")).to_contain_text("line 1 of the log")
    assert lines.count() < MOST_DRAWN

    # A link to a line lands there; a range is marked.
    page.goto(f"{log.url}#L150000-L150003")
    expect(page.locator("#L150000")).to_be_in_viewport()
    expect(page.locator("#L150000")).to_contain_text("line 150000 of the log")
    expect(page.locator(".log-line[data-marked]")).to_have_count(4)
    page.locator("#L150002 a").click()
    page.locator("#L150005 a").click(modifiers=["Shift"])
    assert page.url.endswith("#L150002-L150005")
    expect(page.locator(".log-line[data-marked]")).to_have_count(4)
    page.locator("#L150005 a").press("Shift+Enter")
    assert page.url.endswith("#L150002-L150005")

    # The search finds what is nowhere in the document.
    page.get_by_label("Search the log").fill("LINE 99999 of")
    expect(page.locator(".log-count")).to_have_text("1 of 1")
    expect(page.locator("[data-found=here]")).to_contain_text("line 99999 of the log")
    expect(page.locator("[data-found=here]")).to_be_in_viewport()
    page.get_by_label("Search the log").fill("line 1")
    expect(page.locator(".log-count")).to_have_text("1 of 111,111")
    page.get_by_role("button", name="Previous match").click()
    expect(page.locator(".log-count")).to_have_text("5,000 of 111,111")

    page.get_by_role("button", name="First error").click()
    expect(page.locator(f"#L{LONG}")).to_be_in_viewport()
    page.get_by_role("button", name="stderr").click()
    expect(lines).to_have_count(1)
    page.get_by_role("button", name="stderr").click()
    expect(page.locator(f"#L{LONG - 1}")).to_be_attached()

    # Scrolled from one end to the other, little is ever in the document.
    for part in range(0, 11):
        page.locator("[data-log-body]").evaluate(SCROLL, LONG * 20 * part // 10)
        expect(page.locator(".log-line[data-n]").first).to_be_visible()
        assert lines.count() < MOST_DRAWN


def test_lines_that_come_are_followed_until_one_looks_elsewhere(
    open_page: OpenPage, write_log: WriteLog
) -> None:
    page = open_page().page
    log = write_log(journey.sign_up(page))
    log.tell("lines 1000")
    page.goto(log.url)
    expect(page.locator("#L1000")).to_be_in_viewport()
    log.tell("lines 500")
    expect(page.locator("#L1500")).to_be_in_viewport()

    page.locator("[data-log-body]").hover()
    page.mouse.wheel(0, -3000)
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    log.tell("lines 500")
    pill = page.get_by_role("button", name="New lines")
    expect(pill).to_be_visible()
    expect(page.locator("#L2000")).not_to_be_attached()
    pill.click()
    expect(page.locator("#L2000")).to_be_in_viewport()
    log.tell("lines 10")
    expect(page.locator("#L2010")).to_be_in_viewport()

    # A reload in the middle shows every line once.
    page.reload()
    log.tell("lines 300")
    expect(page.locator("#L2310")).to_be_in_viewport()
    log.tell("end cancelled")
    expect(page.get_by_role("button", name="Follow")).to_be_hidden()
    assert _walk(page) == [f"line {number} of the log" for number in range(1, 2311)]


SCROLL = """async (body, top) => {
    body.scrollTop = top;
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""
SHOWN = "lines => lines.map(line => [Number(line.dataset.n), line.querySelector('.log-text').textContent])"


def _walk(page: Page) -> list[str]:
    """Scroll from the beginning to the end, and return the text of every line that was shown, by number."""
    found: dict[int, str] = {}
    body = page.locator("[data-log-body]")
    top = 0
    while True:
        body.evaluate(SCROLL, top)
        expect(page.locator(".log-line[data-missing]")).to_have_count(0)
        shown = page.locator(".log-line").evaluate_all(SHOWN)
        assert [number for number, _ in shown] == list(range(shown[0][0], shown[0][0] + len(shown)))
        found |= dict(shown)
        height, whole = body.evaluate("body => [body.clientHeight, body.scrollHeight]")
        if top + height >= whole:
            break
        top += height
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[number] for number in sorted(found)]


def test_sections_fold_and_colours_show(open_page: OpenPage, write_log: WriteLog) -> None:
    page = open_page().page
    log = write_log(journey.sign_up(page))
    log.tell("text sys before")
    log.tell("section one running")
    log.tell("section two running")
    log.tell("lines 300 one")
    page.goto(log.url)
    log.tell("lines 3 two")
    log.tell("section two failed")
    log.tell("section one done")
    log.tell("text out \\x1b[1;31mred\\x1b[0m <img/src=x>")
    first = page.get_by_role("button", name="one")
    expect(page.get_by_role("button", name="two")).to_contain_text("3 lines")
    expect(page.locator(".sgr-fg-1.sgr-bold")).to_have_text("red")
    expect(page.locator(".log-line").last).to_contain_text("red <img/src=x>")
    page.locator("[data-log-body]").press("Home")
    expect(first).to_contain_text("done")
    first.click()
    expect(first).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".log-line")).to_have_count(1 + 3 + 1)
    page.evaluate("location.hash = '#L42'")
    expect(page.locator("#L42")).to_be_in_viewport()

    log.tell("end failed")
    page.reload()
    expect(page.locator("#L42")).to_be_in_viewport()
    page.get_by_label("Times").select_option("Since start")
    expect(page.locator("#L42 .log-time")).to_have_text(re.compile(r"^\d+\.\d\d s$"))
    page.reload()
    expect(page.locator("#L42 .log-time")).to_have_text(re.compile(r"^\d+\.\d\d s$"))
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator("[data-log]")).to_have_attribute("data-full", "")
    page.keyboard.press("Escape")
    expect(page.locator("[data-log]")).not_to_have_attribute("data-full", "")


def test_pages_of_a_log_without_javascript(open_page: OpenPage, write_log: WriteLog) -> None:
    page = open_page(scripts=False).page
    log = write_log(journey.sign_up(page))
    log.tell("section one running")
    log.tell("lines 1200 one")
    log.tell("section one done")
    log.tell("text err it failed")
    log.tell("end failed")
    page.goto(log.url)
    assert page.locator(".log-line").count() == 500
    page.get_by_role("link", name="First error").click()
    expect(page.locator("#L1201")).to_contain_text("it failed")
    page.goto(f"{log.url}log/?from=700")
    assert page.url.endswith("?page=2#L700")
    expect(page.locator("#L700")).to_be_in_viewport()
    page.locator("details.log-section summary").click()
    expect(page.locator("#L700")).to_be_hidden()
    page.get_by_label("Search the log").fill("line 1117 of")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="1117").click()
    expect(page.locator("#L1117")).to_be_in_viewport()


COLOURS = [
    "plain",
    "\x1b[31mred\x1b[0m off",
    "\x1b[1;4;38;5;196mcube\x1b[22m thin \x1b[39;49mnone",
    "\x1b[38;2;10;200;30mgreen\x1b[48;5;244mgrey ground",
    "\x1b[38:5:12mcolons\x1b[m\x1b[7minverse\x1b[27m",
    "\x1b]8;;http://x\x07link\x1b]8;;\x1b\\\x1b[2J\x1b(B\x07\x08\ttab\x9b",
    "\x1b[38;5mcut \x1b[38mshort \x1b[",
]


def test_the_browser_and_the_server_read_the_same_colours(open_page: OpenPage, forge: Forge) -> None:
    page = open_page().page
    page.goto("/sign-in/")
    source = (ROOT / "static" / "js" / "log" / "ansi.js").read_text().replace("export function", "function")
    run = f"texts => {{ {source} return texts.map(spans); }}"
    assert page.evaluate(run, COLOURS) == json.loads(json.dumps([spans(text) for text in COLOURS]))
