"""The page of a build: each target has one state, from its own row, and nothing is offered too early."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from playwright.sync_api import ViewportSize, expect

from agentforge.accounts.models import User
from agentforge.live.writer import StreamWriter
from builds.execution import transitions
from builds.execution.outcome import Outcome, StoredArtifact, TargetFacts
from builds.execution.transitions import Claim
from builds.logs.build_log import BuildLog
from builds.models import Build, BuildStatus, BuildTarget
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.build_worker import let_one_live

from .conftest import NARROW, WIDE, Windows

PLUGIN_FILES = [StoredArtifact("ada.so", "0" * 64, 1000), StoredArtifact("SHA256SUMS", "1" * 64, 10)]
ORDER = "all => all.map(step => step.dataset.section + step.dataset.step)"


def start(build: Build) -> Claim:
    build.refresh_from_db()
    assert build.job_id is not None
    claim = transitions.claim(build.pk, build.job_id)
    assert claim is not None
    return claim


def take_from_cache(claim: Claim, name: str, section: str) -> None:
    """Let a target of a running build find its files in the cache, as a worker does."""
    with StreamWriter(claim.stream) as writer, BuildLog(writer.write).section(section) as log:
        log.info("The same agent was already built.")
        log.state = "cached"
    facts = TargetFacts(from_cache=True)
    assert transitions.finish_target(claim, name, Outcome(BuildStatus.SUCCEEDED, PLUGIN_FILES, facts))


@pytest.fixture
def build(agent: AgentConfig, alice: User) -> Build:
    return enqueue_build(agent, by=alice, names=["plugin", "linux-amd64"])


def test_each_target_speaks_for_itself_and_a_cancelled_build_offers_nothing(
    window: Windows, build: Build
) -> None:
    page = window(f"/builds/{build.pk}/")
    section = page.locator("#target-plugin .card-note").inner_text().strip()
    expect(page.locator(".step[data-state=pending]")).to_have_count(9)
    claim = start(build)
    expect(page.locator(".summary")).to_contain_text("Running")
    take_from_cache(claim, "plugin", section)
    expect(page.locator("#target-plugin .badge")).to_have_text("Succeeded")
    expect(page.locator("#target-linux-amd64 .badge")).to_have_text("Running")
    # Steps from the cache are done, and a bar has them; the rest waits.
    expect(page.locator(".step[data-state=cached]")).to_have_count(5)
    expect(page.locator(".step[data-state=pending]")).to_have_count(4)
    bar = page.locator(".summary").get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-label", "5 of 9 steps")
    expect(page.get_by_role("heading", name="Next")).to_have_count(0)
    expect(page.locator(".build-side")).to_contain_text("The plugin is ready")
    assert transitions.finish(build.pk, claim.job_id, BuildStatus.CANCELLED)
    plain = window(f"/builds/{build.pk}/", scripts=False)
    for each in (page, plain):
        expect(each.locator("#target-linux-amd64 .badge")).to_have_text("Cancelled")
        expect(each.locator("#target-plugin .badge")).to_have_text("Succeeded")
        expect(each.locator(".summary")).to_contain_text("1 of 2 targets was finished before")
        expect(each.get_by_role("heading", name="Next")).to_have_count(0)
        expect(each.get_by_role("link", name=re.compile("Try it|Download all"))).to_have_count(0)
        expect(each.locator(".step[data-state=pending]")).to_have_count(0)
    plain.goto(f"/agents/{build.revision.agent_id}/try/")
    expect(plain.get_by_text("Nothing to try yet")).to_be_visible()


def test_the_page_stays_in_its_agent_and_leads_on(window: Windows, build: Build) -> None:
    claim = start(build)
    take_from_cache(claim, "plugin", "plugin linux/amd64")
    BuildTarget.objects.filter(build=build).update(status=BuildStatus.SUCCEEDED)
    assert transitions.conclude(build.pk, claim.job_id)
    page = window(f"/builds/{build.pk}/")
    rail = page.get_by_role("navigation", name="Steps")
    expect(rail.locator("[aria-current=page]")).to_contain_text("Build")
    expect(page.get_by_role("navigation", name="Main").locator("[aria-current]")).to_have_text("Agents")
    next_steps = page.locator(".card", has=page.get_by_role("heading", name="Next"))
    for name in ("Try it", "Download all (.zip)", "Deploy"):
        expect(next_steps.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_role("heading", name="Verification")).to_be_hidden()


def test_how_long_it_takes_is_said_before_and_while_it_runs(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    page = window(f"/agents/{agent.pk}/builds/")
    arm = page.locator("label", has_text="Executable, Linux ARM64")
    expect(arm).to_contain_text("never built here: the first time takes minutes")
    first = enqueue_build(agent, by=alice)
    claim = start(first)
    assert transitions.finish_target(claim, "plugin", Outcome(BuildStatus.SUCCEEDED))
    assert transitions.conclude(first.pk, claim.job_id)
    ended = F("finished_at") - timedelta(seconds=12)
    BuildTarget.objects.filter(build=first).update(started_at=ended)
    page.reload()
    expect(page.locator("label", has_text="what Try talks to")).to_contain_text("usually 12 s")
    second = enqueue_build(agent, by=alice)
    page.goto(f"/builds/{second.pk}/")
    expect(page.locator(".summary")).to_contain_text("usually 12 s")


@pytest.mark.parametrize("path", ["/builds/{}/", "/builds/"])
def test_a_place_in_the_queue_is_renewed_where_nobody_tells_of_it(
    window: Windows, agent: AgentConfig, alice: User, path: str
) -> None:
    build = enqueue_build(agent, by=alice)
    let_one_live()
    page = window(path.format(build.pk))
    page.clock.install()
    page.reload()
    place = page.locator(f"[data-queue=build-{build.pk}]")
    expect(place).to_have_text("Next in the queue, starts in a moment")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    page.clock.fast_forward(21_000)
    expect(place).to_have_text("Next in the queue; no worker runs at the moment")


SHIFTS = """
window.shifted = 0;
window.movers = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.shifted += entry.value;
    for (const { node, previousRect, currentRect } of entry.sources) {
      window.movers.push(`${node?.nodeName}.${node?.className} ${previousRect.top} ${currentRect.top}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_shifts_while_the_page_loads(window: Windows, build: Build, size: ViewportSize) -> None:
    with StreamWriter(build.stream_name) as writer:
        for number in range(60):
            writer.write({"kind": "line", "stream": "out", "text": f"line {number}"})
    page = window("/agents/", size)
    page.add_init_script(SHIFTS)
    page.goto(f"/builds/{build.pk}/")
    expect(page.locator(".log-search")).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.shifted") <= 0.01, page.evaluate("window.movers")


@pytest.mark.parametrize("size", [WIDE, ViewportSize(width=1100, height=900), NARROW])
def test_nothing_shifts_when_the_log_has_its_first_error(
    window: Windows, build: Build, size: ViewportSize
) -> None:
    claim = start(build)
    page = window("/agents/", size)
    page.add_init_script(SHIFTS)
    page.goto(f"/builds/{build.pk}/")
    expect(page.get_by_role("button", name="Follow")).to_be_visible()
    expect(page.get_by_role("button", name="First error")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    bar = page.locator(".log-bar")
    before = bar.bounding_box()
    with StreamWriter(claim.stream) as writer, BuildLog(writer.write).section("plugin linux/amd64") as log:
        log.lines("err", ["agent.go:16:2: undefined: name"])
    expect(page.get_by_role("button", name="First error")).to_be_visible()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert bar.bounding_box() == before
    assert page.evaluate("window.shifted") <= 0.01, page.evaluate("window.movers")


def test_the_toolbar_of_the_log_is_whole_without_a_script(window: Windows, build: Build) -> None:
    page = window(f"/builds/{build.pk}/", scripts=False)
    button = page.locator("[data-log-pages] button")
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] < 34


def test_steps_stay_in_the_order_of_their_targets_whichever_runs_first(window: Windows, build: Build) -> None:
    page = window(f"/builds/{build.pk}/")
    steps = page.locator(".step")
    before = steps.evaluate_all(ORDER)
    executable = page.locator("#target-linux-amd64 .card-note").inner_text().strip()
    lists = page.locator("[data-steps]")
    expect(lists).to_have_count(2)
    claim = start(build)
    with StreamWriter(claim.stream) as writer, BuildLog(writer.write).section(executable) as log:
        with log.step("Lay out the sources"):
            pass
        running = log.step("Compile the executable")
        running.__enter__()
        expect(lists.nth(1).locator("[data-state=done]")).to_have_count(1)
        expect(lists.nth(1).locator("[data-state=running]")).to_have_count(1)
        expect(lists.nth(0).locator("[data-state=pending]")).to_have_count(5)
        page.reload()
        assert steps.evaluate_all(ORDER) == before
        expect(lists.nth(1).locator("[data-state=running]")).to_have_count(1)
        running.__exit__(None, None, None)
    take_from_cache(claim, "plugin", page.locator("#target-plugin .card-note").inner_text().strip())
    expect(lists.nth(0).locator("[data-state=cached]")).to_have_count(5)
    expect(steps).to_have_count(9)
    assert steps.evaluate_all(ORDER) == before
