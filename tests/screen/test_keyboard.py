"""Every step has a key, and after a step the focus is where the next one is."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from builds.execution import transitions
from builds.models import Build, BuildStatus
from configs import validation
from configs.models import AgentConfig, ProcessRun

from .conftest import Windows


def fail(build: Build) -> None:
    assert build.job_id is not None
    error = "The disk is full."
    assert transitions.finish(build.pk, build.job_id, BuildStatus.FAILED, was=BuildStatus.QUEUED, error=error)


def test_each_step_has_a_key_which_the_help_lists(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    for number, step in enumerate(
        ("Identity", "API keys", "Personality", "Capabilities", "Knowledge", "Build", "Try", "Deploy"),
        start=1,
    ):
        expect(dialog.locator(".keys > div", has_text=re.compile(f"^{step}{number} "))).to_have_count(1)
    expect(dialog).to_contain_text("Check everything")
    expect(dialog).to_contain_text("Next step")
    page.keyboard.press("Escape")
    for key, step in (("6", "Build"), ("3", "Personality"), ("k", "API keys"), ("j", "Personality")):
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        expect(page.locator(".rail-item[aria-current=page]")).to_contain_text(step)
        # Before that, no script hears a key.
        page.wait_for_load_state("domcontentloaded")


def test_letters_and_digits_can_be_switched_off(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.keyboard.press("?")
    page.get_by_label("Letters and digits are keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.keyboard.press("?")  # a later key: had the first done anything, the page would be left by now
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    assert page.url.endswith("/identity/")
    page.get_by_label("Letters and digits are keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page).to_have_url(re.compile("/personality/"))


def test_a_step_that_is_opened_focuses_its_first_field(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/keys/")
    page.keyboard.press("1")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("6")
    expect(page.get_by_role("button", name="Compile", exact=True)).to_be_focused()


def test_a_page_that_is_just_opened_starts_at_its_top(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/builds/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    assert page.evaluate("document.activeElement === document.body")


def test_a_new_agent_leaves_the_focus_to_compile_and_ask(window: Windows, agent: AgentConfig) -> None:
    page = window("/agents/")
    page.keyboard.press("n")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Grace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Grace")
    expect(page.get_by_role("button", name="Compile and ask")).to_be_focused()


# What loads slowly can be there only when the form is on its way already, and other windows go on meanwhile.
_LOADED_LATE = """() => document.addEventListener("submit", () => {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }));
  document.dispatchEvent(new CustomEvent("parts:renewed", { detail: { page: document } }));
})"""


def test_a_page_that_is_loaded_late_takes_no_focus_from_the_next(window: Windows) -> None:
    page = window("/agents/new/")
    page.evaluate(_LOADED_LATE)
    page.get_by_label("Name", exact=True).fill("Grace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Grace")
    expect(page.get_by_role("button", name="Compile and ask")).to_be_focused()


def test_after_a_check_comes_go_to_build(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.keyboard.press("c")
    expect(page.locator("[data-rail-outcome]")).to_contain_text("Next in the queue")
    assert page.evaluate("document.activeElement === document.body")
    validation.validate_draft(ProcessRun.objects.get().pk)
    expect(page.get_by_role("link", name="Go to Build")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Compile", exact=True)).to_be_focused()


def test_after_a_site_was_made_comes_deploying(window: Windows, agent: AgentConfig) -> None:
    validation.validate_draft(validation.start_run(agent).pk)
    page = window(f"/agents/{agent.pk}/deploy/")
    page.get_by_role("button", name="Create the directory").press("Enter")
    expect(page.get_by_role("button", name="Compile, then deploy")).to_be_focused()


def test_after_a_failed_check_the_wrong_field_is_next(window: Windows, agent: AgentConfig) -> None:
    agent.model = ""
    agent.save()
    page = window(f"/agents/{agent.pk}/identity/")
    page.keyboard.press("c")
    expect(page.locator("[data-rail-outcome]")).to_contain_text("Next in the queue")
    validation.validate_draft(ProcessRun.objects.get().pk)
    expect(page).to_have_url(re.compile("/keys/"))
    expect(page.locator("[name=model]:focus")).to_be_visible()


def test_after_a_build_comes_building_again_or_the_chat(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/builds/")
    page.keyboard.press("b")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queued")
    build = Build.objects.get()
    fail(build)
    expect(page.get_by_role("button", name="Build again")).to_be_focused()


def test_a_wrong_field_of_any_form_is_next(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/services/")
    page.get_by_text("Add a program of your machine").click()
    page.locator("#id_local_name").fill("files")
    page.get_by_role("button", name="List its tools").click()
    expect(page.get_by_label("Command")).to_be_focused()
    page.get_by_label("Command").fill("npx my-server")
    page.get_by_label("Its tools").fill('[{"name": "read", "inputSchema": {"type": "object"}}]')
    page.get_by_role("button", name="List its tools").click()
    expect(page.get_by_role("checkbox", name="read", exact=True)).to_be_focused()


def test_who_moves_the_focus_keeps_it(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/builds/")
    page.keyboard.press("b")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queued")
    page.get_by_role("link", name="Agents").first.focus()
    build = Build.objects.get()
    fail(build)
    expect(page.get_by_role("button", name="Build again")).to_be_visible()
    expect(page.get_by_role("link", name="Agents").first).to_be_focused()


def test_sign_in_and_sign_up_begin_in_their_first_field(window: Windows) -> None:
    for path in ("/sign-in/", "/sign-up/"):
        page = window(path)
        page.context.clear_cookies()
        page.goto(path)
        expect(page.get_by_label("E-mail address")).to_be_focused()
