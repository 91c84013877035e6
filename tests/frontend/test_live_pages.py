"""What a page shows while its server dies, while a log grows long, and after a reload."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from agentforge.live.writer import StreamWriter
from builds.models import Build
from configs.models import AgentConfig
from tests.drivers.web_process import WebProcess

pytestmark = pytest.mark.browser


def write(build: Build, first: int, last: int, stream: str = "out") -> None:
    with StreamWriter(build.stream_name) as writer:
        for number in range(first, last + 1):
            writer.write({"kind": "line", "stream": stream, "text": f"line {number}"})


def texts(page: Page) -> list[str]:
    found: list[str] = page.locator(".log-text").all_text_contents()
    return found[1:]  # the first says who asked for the build


def test_every_line_is_shown_once_though_the_server_is_killed(
    page: Page, web: WebProcess, build: Build
) -> None:
    write(build, 1, 10)
    page.goto(f"/builds/{build.pk}/")
    write(build, 11, 20)
    expect(page.locator(".log-line")).to_have_count(21)
    web.kill()
    expect(page.locator("body")).to_have_attribute("data-link", "lost")
    expect(page.locator(".link-lost")).to_be_visible()
    write(build, 21, 30)
    web.start()
    expect(page.locator(".log-line")).to_have_count(31)
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    expect(page.locator(".link-lost")).to_be_hidden()
    assert texts(page) == [f"line {number}" for number in range(1, 31)]


@pytest.fixture
def small_web(transactional_db: None) -> Iterator[WebProcess]:
    """A server that lets a person follow one stream at a time."""
    with WebProcess(MOST_STREAMS_PER_PERSON="1") as process:
        yield process


def test_a_page_too_many_says_so_and_goes_on_by_itself(
    small_web: WebProcess, page: Page, build: Build
) -> None:
    url = f"{small_web.url}/builds/{build.pk}/"
    page.goto(url)
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    assert page.context.browser is not None
    # The tabs of one browser share a stream.
    with page.context.browser.new_context(storage_state=page.context.storage_state()) as other:
        second = other.new_page()
        second.goto(url)
        expect(second.locator(".link-lost")).to_contain_text("too many live pages")
        page.close()
        expect(second.locator("body")).to_have_attribute("data-link", "open")
        expect(second.locator(".link-lost")).to_be_hidden()


def see(page: Page, condition: str) -> None:
    """Wait until a script's expression is true.

    `expect` describes the whole page when it has to wait, which takes minutes with 20,000 lines.
    """
    look = f"const look = () => ({condition}) ? done() : setTimeout(look, 50); look();"
    page.evaluate(f"new Promise((done) => {{ {look} }})")


def found(words: str) -> str:
    return f"document.querySelector('.log-count').textContent === '{words}'"


def in_sight(selector: str) -> str:
    """Return the condition that an element lies within the panel's visible part."""
    return (
        "(() => { const log = document.querySelector('[data-log-body]').getBoundingClientRect();"
        f" const line = document.querySelector('{selector}')?.getBoundingClientRect();"
        " return line && line.top >= log.top && line.bottom <= log.bottom; })()"
    )


def test_a_long_log_can_be_followed_left_and_searched(page: Page, build: Build) -> None:
    page.goto(f"/builds/{build.pk}/")
    write(build, 1, 20_000)
    see(page, in_sight("#L20001"))
    page.locator("[data-log-body]").hover()
    page.mouse.wheel(0, -2000)
    see(page, "document.querySelector('[data-log-tools] [aria-pressed=true]') === null")
    write(build, 20_001, 20_010)
    see(page, "!document.querySelector('.log-new').hidden")
    page.locator(".log-new").click()
    see(page, in_sight("#L20011"))
    page.locator(".log-search input").fill("line 1999")
    see(page, found("1 of 11"))
    see(page, in_sight("[data-found=here]"))
    page.locator(".log-search input").press("Enter")
    see(page, found("2 of 11"))


def test_a_link_to_a_line_opens_it_and_an_error_is_found(page: Page, build: Build) -> None:
    write(build, 1, 300)
    with StreamWriter(build.stream_name) as writer:
        writer.write({"kind": "line", "stream": "err", "text": "agent/agent.go:7:2: undefined: Foo"})
    write(build, 301, 600)
    page.goto(f"/builds/{build.pk}/#L12")
    expect(page.locator("#L12")).to_be_in_viewport()
    page.get_by_role("button", name="First error").click()
    expect(page.locator("#L302")).to_be_in_viewport()
    expect(page.locator("#L302")).to_have_attribute("data-marked", "")


def test_typing_survives_a_reload_and_a_secret_does_not(page: Page, agent: AgentConfig) -> None:
    page.goto(f"/agents/{agent.pk}/identity/")
    # Too short to be saved when the field is left, as it is by a reload.
    page.get_by_label("Name").fill("Ad")
    expect(page.locator("[data-saved]")).to_have_text("unsaved changes")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Ad")
    page.get_by_role("button", name="Discard them").click()
    expect(page.get_by_label("Name")).to_have_value("Ada")
    page.goto(f"/agents/{agent.pk}/keys/")
    page.locator("#key-openai summary").click()
    page.locator("#key-openai input[type=password]").fill("sk-very-secret-value")
    page.reload()
    assert "secret" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")


def test_an_open_search_shows_what_changes_elsewhere(page: Page, agent: AgentConfig) -> None:
    page.goto("/search/?q=Ada")
    results = page.locator("main [data-results]")
    expect(results).to_contain_text("Ada")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    elsewhere = page.context.new_page()
    elsewhere.goto(f"/agents/{agent.pk}/identity/")
    elsewhere.get_by_label("Name", exact=True).fill("Ada of the archive")
    elsewhere.get_by_label("Name", exact=True).blur()
    expect(results).to_contain_text("Ada of the archive")
