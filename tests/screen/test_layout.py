"""Where things stand on the page: beside what they belong to, in sight, and not under one another."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import FloatRect, Locator, Page, ViewportSize, expect

from agentforge.accounts.models import User
from agentforge.live.writer import StreamWriter
from builds.execution import transitions
from builds.logs.build_log import BuildLog
from builds.models import BuildStatus
from builds.services import enqueue_build
from configs.models import AgentConfig
from configs.revisions import create_revision
from deployments.hosts.registry import SELF_HOST
from deployments.models import Deployment
from deployments.sites import lifecycle

from .conftest import NARROW, WIDE, Windows
from .test_build_page import start

# The header of the site is taller while Go gets ready: places count from below it, all of one moment.
PLACES = """(selectors) => {
  const top = document.querySelector("main").getBoundingClientRect().y;
  const boxes = selectors.map((each) => document.querySelector(each).getBoundingClientRect());
  return boxes.map(({ x, y, width, height }) => ({ x, y: y - top, width, height }));
}"""


def box(place: Locator) -> FloatRect:
    found = place.bounding_box()
    assert found is not None
    return found


def places(page: Page, *selectors: str) -> list[FloatRect]:
    """Return where elements stand in the content of a page."""
    found: list[FloatRect] = page.evaluate(PLACES, selectors)
    return found


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_agents_menu_stands_beside_its_name(
    window: Windows, agent: AgentConfig, size: ViewportSize
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(name="Ada of London")
    page = window(f"/agents/{agent.pk}/identity/", size)
    name, menu, header = places(page, "h1 .badge", ".page-header .menu", ".page-header")
    assert abs(menu["y"] + menu["height"] / 2 - name["y"] - name["height"] / 2) < 8
    assert 0 < menu["x"] - name["x"] - name["width"] < 40
    assert header["y"] + header["height"] < 118
    page.locator(".page-header .menu > summary").click()
    items = box(page.locator(".page-header .menu-items"))
    assert items["x"] >= 0
    assert items["x"] + items["width"] <= size["width"]


def test_the_bar_of_save_hides_what_it_covers(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/", ViewportSize(width=1440, height=620))
    bar = page.locator("#tab-form > .actions")
    style = bar.evaluate(
        "(bar) => [getComputedStyle(bar).backgroundImage, getComputedStyle(bar).backgroundColor,"
        " getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert style[0] == "none"
    assert style[1] == style[2]
    assert bar.evaluate("(bar) => getComputedStyle(bar).borderTopWidth") == "1px"


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_way_to_add_the_first_key_comes_first(window: Windows, alice: User, size: ViewportSize) -> None:
    page = window("/keys/", size)
    add, empty = box(page.get_by_role("heading", name="Add a key")), box(page.locator(".empty"))
    assert add["y"] < 260
    assert add["y"] <= empty["y"] + 10
    if size == WIDE:
        assert empty["y"] < 260


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_commands_that_start_a_site_are_whole(
    window: Windows, agent: AgentConfig, alice: User, size: ViewportSize
) -> None:
    site = lifecycle.create_site(
        agent, "a-site-with-a-rather-long-name-of-its-own", "", alice, host=SELF_HOST
    )
    build = enqueue_build(agent, by=alice, names=["linux-amd64"])
    row = Deployment.objects.create(
        owner=alice,
        site=site,
        build=build,
        revision=build.revision,
        status="succeeded",
        finished_at=timezone.now(),
    )
    page = window(f"/deployments/{row.pk}/", size)
    commands = page.locator("#run-it")
    assert commands.evaluate("(block) => block.scrollWidth <= block.clientWidth")
    assert "bin/prepare" in commands.inner_text()


def test_the_headings_of_a_log_are_whole_on_a_phone(window: Windows, agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice, names=["plugin", "linux-arm64"])
    with StreamWriter(build.stream_name) as writer:
        log = BuildLog(writer.write)
        for name in ("Plugin and host, with a name that is long", "Linux ARM64"):
            with log.section(name) as section:
                for number in range(1400):
                    section.info(f"line {number}")
    page = window(f"/builds/{build.pk}/", NARROW)
    headings = page.locator(".log-heading")
    expect(headings.first).to_be_visible()
    for heading in headings.all():
        expect(heading.locator(".log-section-count")).to_contain_text("lines")
        right = max(box(each)["x"] + box(each)["width"] for each in heading.locator("span:visible").all())
        assert right <= box(heading)["x"] + box(heading)["width"]


def test_what_went_wrong_is_whole_on_a_phone(window: Windows, agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice, names=["plugin", "linux-arm64"])
    error = "The compiler took longer than 180 s and was stopped: " + "/a/long/path" * 20
    claim = start(build)
    build.per_target.update(status=BuildStatus.FAILED, error=error)
    assert transitions.finish(build.pk, claim.job_id, BuildStatus.FAILED, error=error)
    page = window(f"/builds/{build.pk}/", NARROW)
    blocks = page.locator("main pre:visible")
    expect(blocks).to_have_count(3)
    for block in blocks.all():
        assert block.evaluate("({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth")


def test_what_a_revision_changed_begins_where_its_label_does(window: Windows, agent: AgentConfig) -> None:
    create_revision(agent)
    AgentConfig.objects.filter(pk=agent.pk).update(custom_instructions="Answer in French.\nAlways.")
    create_revision(agent)
    page = window(f"/agents/{agent.pk}/revisions/2/?against=1")
    label, text = page.locator(".differences dt"), page.locator(".differences del")
    assert box(text)["x"] == box(label)["x"]
    assert box(text)["y"] - box(label)["y"] - box(label)["height"] < 10
    form = page.locator(".compare")
    assert box(form.get_by_role("button"))["y"] < box(form.locator("select"))["y"] + 20


def test_the_columns_of_a_table_stay_as_time_passes(window: Windows, agent: AgentConfig) -> None:
    page = window("/activity/")
    page.clock.install()
    page.reload()
    when = page.locator("td[data-label=When] time").first
    expect(when).to_contain_text("second")
    columns = "() => [...document.querySelectorAll('th')].map((each) => each.getBoundingClientRect().x)"
    before = page.evaluate(columns)
    page.clock.fast_forward(12 * 60_000)
    expect(when).to_have_text("12 minutes ago")
    assert page.evaluate(columns) == before
