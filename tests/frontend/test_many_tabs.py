"""Any number of pages of a browser are live: they share one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from agentforge.accounts.models import User
from agentforge.live.writer import StreamWriter
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers import http2_proxy
from tests.drivers.absence import absent
from tests.drivers.http2_proxy import Http2Proxy
from tests.drivers.web_process import WebProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
TABS = 30
# As in a browser without shared workers (Chrome on Android).
NO_WORKERS = "delete globalThis.SharedWorker"


@pytest.fixture
def builds(agent: AgentConfig, alice: User) -> list[Build]:
    return [enqueue_build(agent, by=alice) for _ in range(3)]


@contextmanager
def browser_at(chromium: Browser, url: str, session: str) -> Iterator[BrowserContext]:
    """Open a browser context, whose pages share nothing with those of others, in which alice is signed in."""
    with chromium.new_context(base_url=url, ignore_https_errors=True) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        yield context


@pytest.fixture
def session(alice: User, builds: list[Build], client_of: Callable[[User], Client]) -> str:
    return client_of(alice).cookies["sessionid"].value


@pytest.fixture
def context(chromium: Browser, web: WebProcess, session: str) -> Iterator[BrowserContext]:
    with browser_at(chromium, web.url, session) as context:
        yield context


@pytest.fixture
def http2(chromium: Browser, web: WebProcess, session: str) -> Iterator[BrowserContext]:
    """The same behind a proxy with TLS and HTTP/2."""
    with Http2Proxy(web.port) as proxy, browser_at(chromium, proxy.url, session) as context:
        yield context


def write(build: Build, *texts: str) -> None:
    with StreamWriter(build.stream_name) as writer:
        for text in texts:
            writer.write({"kind": "line", "stream": "out", "text": text})


def open_tabs(context: BrowserContext, builds: list[Build], count: int) -> list[tuple[Page, Build]]:
    tabs = []
    for number in range(count):
        build = builds[number % len(builds)]
        page = context.new_page()
        page.goto(f"/builds/{build.pk}/")
        tabs.append((page, build))
    return tabs


def expect_lines(tabs: list[tuple[Page, Build]], *texts: str) -> None:
    for page, build in tabs:
        lines = page.locator(".log-text")
        expect(lines).to_have_count(len(texts) + 1)
        # The first line says who requested the build.
        assert lines.all_text_contents()[1:] == [f"{text} of {build.pk}" for text in texts]


@pytest.mark.parametrize("over", ["HTTP/1.1", "HTTP/2"])
def test_thirty_tabs_follow_and_resume_exactly(
    over: str, builds: list[Build], web: WebProcess, request: pytest.FixtureRequest
) -> None:
    if over == "HTTP/2" and http2_proxy.PROGRAM is None:
        absent("needs nginx: apt-get install nginx")
    context: BrowserContext = request.getfixturevalue("http2" if over == "HTTP/2" else "context")
    for build in builds:
        write(build, f"before of {build.pk}")
    tabs = open_tabs(context, builds, TABS)
    protocol = tabs[0][0].evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
    assert protocol == {"HTTP/1.1": "http/1.1", "HTTP/2": "h2"}[over]
    for build in builds:
        write(build, f"live of {build.pk}")
    expect_lines(tabs, "before", "live")
    web.kill()
    for build in builds:
        write(build, f"while away of {build.pk}")
    web.start()
    expect_lines(tabs, "before", "live", "while away")
    # Closing tabs, the first one too, leaves the others connected.
    for page, _ in tabs[: TABS - 3]:
        page.close()
    for build in builds:
        write(build, f"after of {build.pk}")
    expect_lines(tabs[TABS - 3 :], "before", "live", "while away", "after")


def test_a_deleted_agents_page_does_not_end_the_others_streams(
    context: BrowserContext, builds: list[Build], web: WebProcess, agent: AgentConfig
) -> None:
    [(page, build)] = open_tabs(context, builds, 1)
    other = context.new_page()

    def follow_a_deleted_one_too(route: Route) -> None:
        html = route.fetch().text()
        route.fulfill(body=html.replace('<body data-live="', '<body data-live="build-999999:0 '))

    other.route("**/builds/*/", follow_a_deleted_one_too)
    other.goto(f"/builds/{builds[1].pk}/")
    expect(other.locator("body")).to_have_attribute("data-link", "refused")
    write(build, f"live of {build.pk}")
    expect_lines([(page, build)], "live")
    expect(page.locator("body")).to_have_attribute("data-link", "open")


def test_another_account_in_the_same_browser_has_streams_of_its_own(
    context: BrowserContext, builds: list[Build], web: WebProcess
) -> None:
    [(old, _)] = open_tabs(context, builds, 1)
    expect(old.locator("body")).to_have_attribute("data-link", "open")
    page = context.new_page()
    page.goto("/accounts/")
    page.get_by_role("button", name="Sign out").first.click()
    expect(old.locator("body")).to_have_attribute("data-link", "refused")
    page.goto("/sign-up/")
    page.get_by_label("E-mail address").fill("newcomer@example.com")
    page.get_by_label("Password", exact=True).fill("a workshop of one's own")
    page.get_by_role("button", name="Create account").click()
    page.goto("/agents/new/")
    page.get_by_label("Name").fill("Grace")
    page.get_by_role("button", name="Create agent").click()
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    expect(old.locator("body")).to_have_attribute("data-link", "refused")


def test_without_a_shared_worker_the_visible_page_is_live(
    context: BrowserContext, builds: list[Build], web: WebProcess
) -> None:
    context.add_init_script(NO_WORKERS)
    [(page, build)] = open_tabs(context, builds, 1)
    write(build, f"live of {build.pk}")
    expect_lines([(page, build)], "live")
    hide(page, hidden=True)
    write(build, f"while hidden of {build.pk}")
    hide(page, hidden=False)
    expect_lines([(page, build)], "live", "while hidden")


def hide(page: Page, *, hidden: bool) -> None:
    """Tell the page that it is hidden or shown: a headless browser shows all its pages."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )
