"""A page that arrives in pieces shows each piece where it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, ViewportSize

from agentforge.accounts.models import User
from builds.evaluation import lifecycle as evaluations
from builds.evaluation.forms import EXAMPLE
from builds.models import BuildStatus
from builds.services import enqueue_build
from configs.models import AgentConfig

from .conftest import NARROW, WIDE, Windows
from .test_states import finish

PIECES = 6
LEAST = 8  # pixels: within a line
# Where the blocks of the first screen begin, other than of the rail, which scrolls to where one is.
_PLACES = """() => [
  ...document.querySelectorAll("main :is(section, aside, form, fieldset, h1, h2, h3, p, div, ul, table)"),
].map((element) => {
  const { x, y, width } = element.getBoundingClientRect();
  if (y > innerHeight || !width || element.closest(".rail-tabs")) return null;
  return [Math.round(x), Math.round(y), element.outerHTML.slice(0, 60)];
})"""


def pieces(html: str) -> Iterator[str]:
    """Yield a page as it is after each piece of its content, the last one whole."""
    start = html.index("<main")
    for piece in range(1, PIECES):
        # A browser shows elements, not parts of a tag.
        yield html[: html.index("\n", start + (len(html) - start) * piece // PIECES)]
    yield html


def answering(html: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")


def moved(page: Page, path: str) -> list[str]:
    """Return what stands elsewhere in a part of the page than in the whole."""
    html = page.request.get(path).text()
    page.route("**/*.js", lambda route: route.abort())
    shown: list[list[tuple[int, int, str] | None]] = []
    for part in pieces(html):
        page.route(f"**{path}", answering(part))
        page.goto(path)
        shown.append(page.evaluate(_PLACES))
        page.unroute(f"**{path}")
    whole = shown.pop()
    return [
        f"{path}: {before[2]} is at {before[:2]}, then at {after[:2]}"
        for part in shown
        for before, after in zip(part, whole, strict=False)
        if before and after and max(abs(before[0] - after[0]), abs(before[1] - after[1])) > LEAST
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_moves_while_a_page_arrives(
    window: Windows, agent: AgentConfig, alice: User, size: ViewportSize
) -> None:
    evaluations.save(agent, EXAMPLE, "warn")
    build = enqueue_build(agent, by=alice)
    finish(build, BuildStatus.SUCCEEDED)
    tabs = ("identity", "keys", "capabilities", "builds", "try", "deploy", "evaluation", "draft")
    paths = [f"/agents/{agent.pk}/{tab}/" for tab in (*tabs, "revisions/1")]
    page = window("/agents/new/", size)
    found = []
    for path in (*paths, f"/builds/{build.pk}/", "/agents/?shown=archived", "/keys/"):
        found += moved(page, path)
    assert found == [], "\n".join(found)
