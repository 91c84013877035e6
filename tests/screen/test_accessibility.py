"""No page breaks a rule of axe or is wider than its window, and ours do not shift while they load."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.resources import files
from typing import Any, Literal

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from agentforge.accounts.models import User
from tests.drivers import people
from tests.drivers.web_process import WebProcess
from tests.test_access_matrix import MATRIX, Hers, hers

from .conftest import NARROW, WIDE

__all__ = ["hers"]
Scheme = Literal["light", "dark"]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
SIGNED_OUT = ("/", "/sign-in/", "/sign-up/", "/accounts/recovery/")
# The administration: its start, and of each kind of page one.
OPERATORS = ("admin:index", "admin:builds_build_changelist", "admin:accounts_user_changelist")
MOST_SHIFT = 0.01
_SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  const moved = new Set();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      sum += entry.value;
      for (const { node } of entry.sources) moved.add(node?.outerHTML?.slice(0, 80) ?? node?.nodeValue);
    }
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => resolve([sum, [...moved].slice(0, 3).join(" | ")])));
})"""
# What may differ between colour schemes; to look at the colours takes three quarters of all rules' time.
OF_COLOURS = ("color-contrast", "link-in-text-block")
_AXE = """async (rules) =>
  (await axe.run({ resultTypes: ["violations"], ...(rules.length && { runOnly: rules }) })).violations
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`)"""

pytestmark = pytest.mark.timeout(900)


def pages_of(client: Client, hers: Hers) -> Iterator[str]:
    """Yield the addresses of all pages that a person sees."""
    for name, row in MATRIX.items():
        if row.method != "GET" or row.supabase or row.signed:
            continue
        path = reverse(name, kwargs={key: getattr(hers, value, value) for key, value in row.args.items()})
        # A file that is sent is closed with its answer.
        with closing(client.get(path)) as answer:
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                # A piece of a page has no frame of its own.
                content = b"".join(answer).decode() if answer.streaming else answer.content.decode()
                if "<html" in content:
                    yield path


def problems_of(page: Page, path: str, other: Scheme) -> list[str]:
    """Return the problems of a page in its colours, and in the other ones."""
    page.goto(path)
    return problems_now(page, path) + problems_in_colours(page, path, other)


def problems_of_services(page: Page, path: str, other: Scheme) -> list[str]:
    """Return the problems of what answers a form of the page: errors, and tools to choose from."""
    listing = {"tools": [{"name": "read", "inputSchema": {"type": "object"}}, {"name": "odd"}]}
    problems = []
    for text in ("no JSON", json.dumps(listing)):
        page.goto(path)
        page.get_by_text("Add a program of your machine").click()
        page.get_by_label("Name", exact=True).last.fill("files")
        page.get_by_label("Command").fill("npx my-server")
        page.get_by_label("Its tools").fill(text)
        page.get_by_role("button", name="List its tools").click()
        page.wait_for_url("**/services/local/")
        name = f"{path} answering {text}"
        problems += problems_now(page, name) + problems_in_colours(page, name, other)
    expect(page.get_by_role("heading", name="Tools of files")).to_be_visible()
    return problems


def problems_now(page: Page, path: str, *, as_loaded: bool = True) -> list[str]:
    """Return the problems of a page as it is; one in another size than it was loaded in has shifted."""
    found = _found_by_axe(page)
    (shift, moved), width = page.evaluate(_SHIFT), page.evaluate("document.documentElement.scrollWidth")
    # Django's administration opens its sidebar by a script.
    if as_loaded and shift > MOST_SHIFT and not path.startswith("/admin/"):
        found.append(f"shifts by {shift:.3f}: {moved}")
    size = page.viewport_size
    if size and width > size["width"]:
        found.append(f"is {width} px wide")
    return [f"{path} {problem}" for problem in found]


def problems_in_colours(page: Page, path: str, scheme: Scheme) -> list[str]:
    """Return the problems of a page in other colours than those that it was loaded in."""
    loaded_in = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
    page.emulate_media(color_scheme=scheme)
    # Links of Django's administration change their colour little by little.
    page.evaluate("() => Promise.all(document.getAnimations().map((each) => each.finished))")
    found = _found_by_axe(page, *OF_COLOURS)
    page.emulate_media(color_scheme=loaded_in)
    return [f"{path} {problem} in {scheme} colours" for problem in found]


def _found_by_axe(page: Page, *rules: str) -> list[str]:
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(_AXE, list(rules))
    return found


@pytest.mark.parametrize(
    ("size", "scheme", "other"),
    [(WIDE, "light", "dark"), (NARROW, "dark", "light")],
    ids=["wide", "narrow"],
)
def test_every_page_is_accessible_and_still(
    size: Any,
    scheme: Scheme,
    other: Scheme,
    chromium: Browser,
    web: WebProcess,
    alice: User,
    hers: Hers,
    client_of: Callable[[User], Client],
) -> None:
    olga = people.make_user("olga", operator=True)
    visits: dict[User | None, list[str]] = {
        alice: list(pages_of(client_of(alice), hers)),
        olga: [reverse(name) for name in OPERATORS],
        None: list(SIGNED_OUT),
    }
    assert len(visits[alice]) > 30
    problems: list[str] = []
    for person, paths in visits.items():
        context = chromium.new_context(
            base_url=web.url, viewport=size, color_scheme=scheme, reduced_motion="reduce"
        )
        if person is not None:
            session = client_of(person).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
        page = context.new_page()
        for path in paths:
            problems += problems_of(page, path, other)
        if person == alice:
            problems += problems_of_services(page, reverse("configs:services", args=[hers.agent]), other)
        context.close()
    assert problems == [], "\n".join(problems)
