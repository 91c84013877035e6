"""The header says how far Go is from compiling quickly, as the warm-up's own records have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.compiler import warmup
from builds.models import Build, BuildStatus
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.web_process import WebProcess

from .conftest import NARROW, WIDE

# Whether what sticks below the header stands below it; a pixel is its line.
MAKES_ROOM = """() => {
  const room = getComputedStyle(document.querySelector("main")).getPropertyValue("--header");
  return parseFloat(room) >= document.querySelector(".site").offsetHeight - 1;
}"""

PLACE = "document.querySelector('main').offsetTop"


@pytest.fixture
def cold(
    chromium: Browser,
    agent: AgentConfig,
    tmp_path: Path,
    settings: Settings,
    client_of: Callable[..., Client],
) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a window on a machine whose Go never compiled anything."""
    settings.AGENTFORGE_GO_DIR = tmp_path / "go"
    owner: User = agent.owner
    session = client_of(owner).cookies["sessionid"].value
    with WebProcess(AGENTFORGE_GO_DIR=str(settings.AGENTFORGE_GO_DIR)) as web:

        def open_(path: str, size: ViewportSize, *, scripts: bool = True) -> Page:
            context = chromium.new_context(base_url=web.url, viewport=size, java_script_enabled=scripts)
            context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
            page = context.new_page()
            page.goto(path)
            return page

        yield open_
        for context in chromium.contexts:
            context.close()


def begun(seconds: float, state: warmup.State) -> warmup.State:
    """Record a warm-up that began so many seconds ago, to the millisecond."""
    with time_machine.travel(time.time(), tick=False):
        begun = replace(state, started=time.time() - seconds)
        warmup.write(begun)
    return begun


def record(state: str, done: int, total: int, seconds: float, error: str = "") -> None:
    """Record a warm-up that began so many seconds ago."""
    begun(seconds, warmup.State(state, "a", done, total, error=error))


def compiled_in(agent: AgentConfig, seconds: int) -> None:
    """Let one build in this agent's history have taken so long."""
    build = enqueue_build(agent, by=agent.owner)
    now = timezone.now()
    times = {"started_at": now, "finished_at": now + timedelta(seconds=seconds)}
    build.per_target.update(status=BuildStatus.SUCCEEDED, **times)
    Build.objects.filter(pk=build.pk).update(status=BuildStatus.SUCCEEDED, **times)


def test_a_running_build_says_that_go_gets_ready_for_its_program(
    cold: Callable[..., Page], agent: AgentConfig
) -> None:
    record(warmup.WARM, 300, 300, 40)
    build = enqueue_build(agent, agent.owner, ["linux-amd64"])
    Build.objects.filter(pk=build.pk).update(status=BuildStatus.RUNNING, started_at=timezone.now())
    page = cold(f"/builds/{build.pk}/", WIDE)
    expect(page.locator(".summary")).not_to_contain_text("getting ready")
    warming = begun(4, warmup.State(warmup.WARMING, "b", 30, 300, program="standalone"))
    page.reload()
    expect(page.locator(".summary")).to_contain_text("Go is getting ready, about 4 of 40 s")
    expect(page.locator("[data-part=go]")).to_be_hidden()
    warmup.write(replace(warming, state=warmup.WARM))
    expect(page.locator(".summary")).not_to_contain_text("getting ready")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_header_follows_the_warm_up_until_go_is_ready(
    cold: Callable[..., Page], agent: AgentConfig, size: ViewportSize
) -> None:
    page = cold(f"/agents/{agent.pk}/identity/", size)
    chip = page.locator("[data-part=go]")
    expect(chip).to_contain_text("Go is getting ready")
    expect(chip.locator("progress")).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("Half a na")
    record(warmup.WARMING, 200, 300, 120)
    expect(chip).to_contain_text("Go is getting ready, about 2 of 3 min")
    expect(chip.locator("progress")).to_have_attribute("value", "200")
    expect(chip.locator("progress")).to_have_attribute("max", "300")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(MAKES_ROOM)
    for part in (chip.locator("span"), page.locator(".mark img")):
        box = part.bounding_box()
        assert box is not None
        assert box["width"] >= 24
    place = page.evaluate(PLACE)
    # What is typed meanwhile stays.
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half a na")
    record(warmup.WARM, 300, 300, 180)
    expect(chip).to_be_hidden()
    # So does everything where it is, also when Go has to get ready again.
    assert page.evaluate(PLACE) == place
    page.reload()
    place = page.evaluate(PLACE)
    record(warmup.WARMING, 200, 300, 120)
    page.get_by_label("Description").fill("Knows tides.")
    page.get_by_label("Name", exact=True).focus()
    expect(chip).to_be_visible()
    assert page.evaluate(PLACE) == place


def test_without_scripts_each_page_says_it_and_what_waits(
    cold: Callable[..., Page], agent: AgentConfig
) -> None:
    record(warmup.WARMING, 30, 300, 4)
    compiled_in(agent, 13)
    page = cold(f"/agents/{agent.pk}/builds/", WIDE, scripts=False)
    expect(page.locator("[data-part=go]")).to_contain_text("Go is getting ready, about 4 of 40 s")
    expect(page.locator("main")).to_contain_text("30 of about 300 packages")
    expect(page.locator("main")).to_contain_text("A build that you start now waits for that")
    build = enqueue_build(agent, by=agent.owner)
    page.goto(f"/builds/{build.pk}/")
    expect(page.locator("main")).to_contain_text("This build waits for that")
    summary = page.locator(".summary")
    expect(summary).to_contain_text("Go is getting ready, about 4 of 40 s; then usually 13 s")
    page.goto(f"/agents/{agent.pk}/builds/")
    record(warmup.FAILED, 30, 300, 4, error="The disk is full.")
    page.reload()
    expect(page.locator("[data-part=go]")).to_contain_text("Go could not get ready")
    expect(page.locator("main")).to_contain_text("The disk is full. It is tried again every five minutes")
    record(warmup.WARM, 300, 300, 40)
    page.reload()
    expect(page.locator("[data-part=go]")).to_be_hidden()
    expect(page.locator("main")).not_to_contain_text("getting ready")
