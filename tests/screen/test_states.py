"""Every page shows the state of an agent as it is: on a save, live, and after a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from agentforge.accounts.models import User
from builds.execution import transitions
from builds.models import Build, BuildStatus, BuildTarget, ChatMessage
from builds.services import cancel_build, enqueue_build
from configs import validation
from configs.models import AgentConfig
from tests.drivers.held_request import HeldRequest

from .conftest import Windows

DASH = "\N{EN DASH}"


def check(agent: AgentConfig) -> None:
    """Check every tab, as a worker does."""
    validation.validate_draft(validation.start_run(agent).pk)


def finish(build: Build, status: BuildStatus = BuildStatus.SUCCEEDED) -> None:
    """Let a queued build run and end, as a worker does."""
    build.refresh_from_db()
    assert build.job_id is not None
    assert transitions.claim(build.pk, build.job_id)
    BuildTarget.objects.filter(build=build).update(status=status)
    assert transitions.finish(build.pk, build.job_id, status, error="no" if status == "failed" else "")


def step(page: Page, name: str, state: str, word: str | re.Pattern[str] = "") -> None:
    """See a step of the rail in a state, with its word."""
    item = page.locator(f".rail-item[data-tab={name}]")
    expect(item).to_have_attribute("data-state", state)
    expect(item.locator(".rail-word")).to_have_text(word)


def test_a_save_marks_only_the_tab_that_it_changed(window: Windows, agent: AgentConfig) -> None:
    check(agent)
    page = window(f"/agents/{agent.pk}/identity/")
    other = window(f"/agents/{agent.pk}/capabilities/")
    step(page, "identity", "valid", "valid")
    page.get_by_label("Name").fill("Grace")
    page.get_by_role("button", name="Save", exact=True).click()
    for each in (page, other):
        step(each, "identity", "outdated", "changed")
        for name in ("keys", "personality", "capabilities"):
            step(each, name, "valid", "valid")
        expect(each.get_by_role("heading", level=1)).to_contain_text("Grace")
        expect(each.locator("[data-rail-outcome]")).to_have_text("Changed since the last check: Identity.")


def test_the_rail_follows_a_check_a_build_and_a_change(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    page, plain = window(f"/agents/{agent.pk}/identity/"), window("/", scripts=False)
    agents = window("/agents/")
    step(page, "builds", "pending")
    check(agent)
    step(page, "keys", "valid", "valid")
    build = enqueue_build(agent, by=alice)
    step(page, "builds", "queued", "queued")
    expect(page).to_have_title(f"Build {build.pk} is queued {DASH} Identity · Ada · AgentForge")
    finish(build)
    step(page, "builds", "succeeded", re.compile(r"^revision 1, "))
    step(page, "try", "pending", f"build {build.pk}")
    expect(page).to_have_title("Identity · Ada · AgentForge")
    row = agents.get_by_role("row", name="Ada")
    expect(row.locator(".badge")).to_have_text("Built, revision 1")
    page.get_by_label("Name").fill("Grace")
    page.get_by_role("button", name="Save", exact=True).click()
    step(page, "builds", "outdated", "out of date")
    step(page, "try", "outdated", f"build {build.pk}")
    expect(agents.locator("[data-part=agents] .badge")).to_have_text(f"Changed since build {build.pk}")
    page.reload()
    plain.goto(f"/agents/{agent.pk}/keys/")
    for each in (page, plain):
        step(each, "builds", "outdated", "out of date")
        step(each, "identity", "outdated", "changed")
        step(each, "keys", "valid", "valid")


def test_a_failed_and_a_cancelled_build_are_not_taken_for_a_success(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    page = window(f"/agents/{agent.pk}/builds/")
    first = enqueue_build(agent, by=alice)
    cancel_build(first, by=alice)
    step(page, "builds", "cancelled", "cancelled")
    step(page, "try", "pending")
    expect(page.locator("[data-part=draft]")).not_to_contain_text("Nothing changed")
    second = enqueue_build(agent, by=alice)
    finish(second, BuildStatus.FAILED)
    step(page, "builds", "failed", "failed")
    expect(page.locator("h1 .badge")).to_have_text(f"Build {second.pk} failed")
    expect(page).to_have_title(re.compile(rf"^Build {second.pk} failed {DASH} "))


def test_an_older_build_s_page_hears_of_a_newer_build(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    older = enqueue_build(agent, by=alice)
    finish(older, BuildStatus.FAILED)
    page = window(f"/builds/{older.pk}/")
    step(page, "builds", "failed", "failed")
    enqueue_build(agent, by=alice)
    # And no script stumbles over it: `window` sees to that.
    step(page, "builds", "queued", "queued")


def test_a_failure_is_over_once_what_was_built_is_restored(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    check(agent)
    finish(enqueue_build(agent, by=alice))
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_label("Name").fill("Grace")
    page.get_by_role("button", name="Save", exact=True).click()
    step(page, "builds", "outdated", "out of date")
    agent.refresh_from_db()
    failed = enqueue_build(agent, by=alice)
    finish(failed, BuildStatus.FAILED)
    step(page, "builds", "failed", "failed")
    expect(page.locator("h1 .badge")).to_have_text(f"Build {failed.pk} failed")
    history = window(f"/agents/{agent.pk}/revisions/1/")
    history.get_by_role("button", name="Restore").click()
    for each in (page, history):
        step(each, "builds", "succeeded", re.compile(r"^revision 1, "))
        expect(each.locator("h1 .badge")).to_have_text("Built, revision 1")
        expect(each).not_to_have_title(re.compile("failed"))


def test_the_title_and_the_icon_are_right_on_load_after_a_reload_and_live(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    build = enqueue_build(agent, by=alice)
    page = window(f"/builds/{build.pk}/")
    icon = page.locator("[data-favicon]")
    for _ in range(2):
        expect(page).to_have_title(f"Queued {DASH} Build {build.pk} · Ada · AgentForge")
        expect(icon).to_have_attribute("href", re.compile("running"))
        page.reload()
    finish(build)
    expect(page).to_have_title(f"Succeeded {DASH} Build {build.pk} · Ada · AgentForge")
    expect(icon).to_have_attribute("href", re.compile("done"))
    expect(page.locator("[data-part=work]")).to_be_hidden()


def test_try_says_who_answers_and_what_has_changed_since(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    build = enqueue_build(agent, by=alice)
    finish(build)
    common = {"owner": alice, "agent": agent, "build": build}
    ChatMessage.objects.create(**common, role="user", content="Who are you?")
    ChatMessage.objects.create(**common, role="assistant", content="I am Ada.")
    page = window(f"/agents/{agent.pk}/try/")
    answers = page.locator("[data-part=answers]")
    expect(answers).to_contain_text(f"Build {build.pk} answers, revision 1.")
    expect(answers).to_contain_text("It is your draft as it is now.")
    other = window(f"/agents/{agent.pk}/identity/")
    other.get_by_label("Name").fill("Grace")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(answers).to_contain_text("The draft has changed since: name.")
    page.reload()
    expect(page.locator("h1")).to_contain_text("Grace")
    who = page.locator(".chat-message[data-role=assistant] .chat-who")
    expect(who).to_have_text(f"Ada, build {build.pk}")
    answers.get_by_role("button", name="Compile the draft").click()
    expect(page).to_have_url(re.compile(r"/builds/\d+/"))
    assert Build.objects.latest("pk").revision.number == 2


def test_lists_and_the_header_hear_of_what_begins_elsewhere(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    builds, keys = window("/builds/"), window("/keys/")
    for page in (builds, keys):
        expect(page.locator("body")).to_have_attribute("data-link", "open")
    build = enqueue_build(agent, by=alice)
    expect(keys.locator("[data-part=work]")).to_have_text("1 build under way")
    expect(keys).to_have_title(f"1 build under way {DASH} Keys · AgentForge")
    cancel_build(build, by=alice)
    expect(keys.locator("[data-part=work]")).to_be_hidden()
    expect(builds.locator("[data-part=work]")).to_be_hidden()


def _moving(window: Windows, agent: AgentConfig) -> Page:
    """Return the page of an agent, live and with its animations."""
    page = window(f"/agents/{agent.pk}/identity/")
    page.emulate_media(reduced_motion="no-preference")
    page.reload()
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    return page


_CONTRADICTIONS = """() => {
  window.contradictions = [];
  new MutationObserver(() => {
    const header = document.querySelector("h1 .badge").textContent.trim();
    const open = document.querySelectorAll(".rail-item[data-checked]:not([data-state=valid])");
    if (header === "Ready to compile" && open.length) window.contradictions.push(open[0].textContent);
    const rail = document.querySelector("[data-rail-outcome]").textContent.trim();
    if (rail === "Ready to compile." && header !== "Ready to compile") window.contradictions.push(header);
  }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def test_the_page_says_how_a_check_ended_when_the_rail_does(window: Windows, agent: AgentConfig) -> None:
    page = _moving(window, agent)
    page.evaluate(_CONTRADICTIONS)
    check(agent)
    expect(page.locator("h1 .badge")).to_have_text("Ready to compile")
    expect(page.locator("[data-rail-outcome]")).to_have_text("Ready to compile.")
    assert page.evaluate("window.contradictions") == []


_LATE = """() => {
  window.late = [];
  document.addEventListener("live:process", ({ detail: { record } }) => {
    const item = record.tab && document.querySelector(`.rail-item[data-tab="${record.tab}"]`);
    if (item && item.dataset.state !== record.state) window.late.push(`${record.tab} is ${record.state}`);
  });
}"""


def test_the_rail_shows_a_check_as_it_is_at_once(window: Windows, agent: AgentConfig) -> None:
    page = _moving(window, agent)
    page.evaluate(_LATE)
    check(agent)
    expect(page.locator("[data-rail-outcome]")).to_have_text("Ready to compile.")
    assert page.evaluate("window.late") == []


_BACK = """() => {
  window.back = [];
  new MutationObserver(() => {
    const open = document.querySelector(".rail-item[data-checked]:not([data-state=valid])");
    if (open) window.back.push(open.textContent);
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


def test_a_page_that_was_read_before_a_check_does_not_take_the_rail_back(
    window: Windows, agent: AgentConfig
) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    held = HeldRequest(page, page.url)
    page.evaluate("document.dispatchEvent(new CustomEvent('parts:stale'))")
    response = held.wait().fetch()
    check(agent)
    for name in ("identity", "knowledge"):
        step(page, name, "valid", "valid")
    page.evaluate(_BACK)
    held.wait().fulfill(response=response)
    expect(page.locator("h1 .badge")).to_have_text("Ready to compile")
    assert page.evaluate("window.back") == []
