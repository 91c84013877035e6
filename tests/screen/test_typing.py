"""What is typed is saved, shown and checked; it can be neither lost nor left out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from configs import validation
from configs.models import AgentConfig, ProcessRun
from tests.drivers.held_request import HeldRequest

from .conftest import Windows

INSTRUCTIONS = re.compile("instructions", re.IGNORECASE)


def type_instructions(page: Page, text: str = "Always answer in French.") -> None:
    """Type into the field without leaving it."""
    page.get_by_label(INSTRUCTIONS).click()
    page.keyboard.type(text)


def saved(agent: AgentConfig) -> AgentConfig:
    agent.refresh_from_db()
    return agent


def test_a_field_saves_when_it_is_left_and_the_form_says_so(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    type_instructions(page)
    expect(page.locator("[data-saved]")).to_have_text("unsaved changes")
    expect(page.locator(".rail-item[data-tab=personality]")).to_contain_text("unsaved")
    page.keyboard.press("Tab")
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))
    expect(page.locator(".rail-dot")).to_have_count(0)
    assert saved(agent).custom_instructions == "Always answer in French."
    # Nor does the next save find a conflict with this one.
    page.get_by_label("Curious").set_checked(True, force=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label(INSTRUCTIONS)).to_have_value("Always answer in French.")
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved"))
    assert "curious" in saved(agent).traits


def test_an_invalid_field_is_not_saved_and_its_neighbour_is(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_label("Handle").fill("Not a handle!")
    page.get_by_label("Description").fill("Finds sources.")
    expect(page.locator(".field-error")).to_be_visible()
    with page.expect_response("**/identity/"):
        page.get_by_label("Name").focus()
    expect(page.locator(".rail-item[data-tab=identity]")).to_contain_text("unsaved")
    assert (saved(agent).description, agent.handle) == ("Finds sources.", "ada")
    # What can't be saved keeps the rest from going ahead, and says why.
    page.get_by_role("button", name="Check everything").click()
    expect(page.get_by_label("Handle")).to_have_value("Not a handle!")
    expect(page.locator(".message[data-level=error]")).to_be_visible()
    assert not ProcessRun.objects.exists()
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", dismiss)
    page.get_by_role("link", name="Capabilities").click()
    expect(page.get_by_role("heading", name="Capabilities", exact=True)).to_be_visible()
    assert asked == ["beforeunload"]
    expect(page.locator(".rail-item[data-tab=identity]")).to_contain_text("unsaved")


def test_what_is_open_is_saved_before_the_check(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    type_instructions(page)
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator("[data-rail-outcome]")).to_contain_text("Next in the queue")
    assert saved(agent).custom_instructions == "Always answer in French."


def test_what_is_open_is_saved_before_another_page_opens(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    type_instructions(page)
    page.get_by_role("link", name="Go to Build").click()
    expect(page.get_by_role("heading", name="Build", exact=True)).to_be_visible()
    assert saved(agent).custom_instructions == "Always answer in French."
    expect(page.locator(".rail-dot")).to_have_count(0)


def test_without_a_script_the_check_saves_what_is_open(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/", scripts=False)
    page.get_by_label(INSTRUCTIONS).fill("Always answer in French.")
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator("[data-rail-outcome]")).to_contain_text("Next in the queue")
    assert saved(agent).custom_instructions == "Always answer in French."


def test_two_windows_end_in_the_conflict_page(window: Windows, agent: AgentConfig) -> None:
    first, second = window(f"/agents/{agent.pk}/identity/"), window(f"/agents/{agent.pk}/identity/")
    first.get_by_label("Name").fill("Grace")
    first.get_by_label("Description").focus()
    expect(first.locator("[data-saved]")).to_have_text(re.compile("^Saved"))
    second.get_by_label("Name").fill("Hedy")
    second.get_by_label("Description").fill("Said in the second window.")
    expect(second.locator("[data-saved]")).to_have_text("unsaved changes")
    second.get_by_role("button", name="Save", exact=True).click()
    expect(second.get_by_role("heading", name="Identity: saved elsewhere")).to_be_visible()
    assert saved(agent).name == "Grace"


def test_a_form_that_is_older_than_what_another_window_saved_says_so(
    window: Windows, agent: AgentConfig
) -> None:
    page, other = window(f"/agents/{agent.pk}/identity/"), window(f"/agents/{agent.pk}/identity/")
    other.get_by_label("Name").fill("Grace")
    other.get_by_label("Description").focus()
    notice = page.get_by_text("Saved elsewhere meanwhile: this form is older.")
    expect(notice).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Ada")
    expect(other.locator("[data-saved]")).to_have_text(re.compile("^Saved"))
    expect(other.get_by_text("Saved elsewhere")).to_have_count(0)
    page.get_by_role("link", name="Show what is saved").click()
    expect(page.get_by_label("Name")).to_have_value("Grace")
    expect(notice).to_have_count(0)
    # Put back elsewhere, it is as the form shows it again.
    for text in ("Ada", "Grace"):
        other.get_by_label("Name").fill(text)
        other.get_by_label("Description").focus()
        expect(notice).to_have_count(int(text == "Ada"))


def test_the_preview_shows_the_form_in_front_of_its_reader(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    prompt = page.locator("[data-prompt]")
    page.get_by_label("Description").fill("Finds sources.")
    page.get_by_label("Handle").fill("Not a handle!")
    expect(prompt).to_contain_text("Finds sources.")
    page.reload()
    expect(page.get_by_label("Handle")).to_have_value("Not a handle!")
    expect(prompt).to_contain_text("Finds sources.")
    plain = window(f"/agents/{agent.pk}/identity/", scripts=False)
    plain.get_by_label("Description").fill("Knows tides.")
    plain.get_by_label("Handle").fill("Not a handle!")
    plain.get_by_role("button", name="Save", exact=True).click()
    expect(plain.locator("[data-prompt]")).to_contain_text("Knows tides.")


def test_the_check_is_one_key_press_and_walks_the_tabs(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.keyboard.press("c")
    expect(page.locator("[data-rail-outcome]")).to_contain_text("Next in the queue")
    validation.validate_draft(ProcessRun.objects.get().pk)
    expect(page.locator("[data-rail-outcome]")).to_have_text("Ready to compile.")
    expect(page.locator(".rail-item[data-state=valid]")).to_have_count(5)


def test_a_save_whose_answer_is_lost_conflicts_with_nothing_later(
    window: Windows, agent: AgentConfig
) -> None:
    page = window(f"/agents/{agent.pk}/personality/")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/personality/", lose, times=1)
    type_instructions(page, "Always answer")
    with page.expect_event("requestfailed"):
        page.keyboard.press("Tab")
    assert saved(agent).custom_instructions == "Always answer"
    page.get_by_label(INSTRUCTIONS).click()
    page.keyboard.press("End")
    page.keyboard.type(" in French.")
    page.keyboard.press("Tab")
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    assert saved(agent).custom_instructions == "Always answer in French."


def test_a_save_that_gets_no_answer_is_sent_again_and_says_so(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.method)
        route.fulfill(status=503, body="The database does not answer.")

    page.route("**/personality/", refuse, times=1)
    type_instructions(page, "Always answer")
    page.keyboard.press("Tab")
    expect(page.locator("[data-saved]")).to_have_text("Not saved yet: no answer. Trying again.")
    expect(page.locator(".rail-item[data-tab=personality]")).to_contain_text("unsaved")
    # Nobody does anything.
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    expect(page.locator(".rail-dot")).to_have_count(0)
    assert (refused, saved(agent).custom_instructions) == (["POST"], "Always answer")


def test_a_reload_during_a_save_conflicts_with_nothing_later(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    page.route("**/personality/", lambda route: route.abort(), times=1)
    type_instructions(page, "Always answer")
    with page.expect_event("requestfailed"):
        page.keyboard.press("Tab")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    # As if the request had arrived after the page was read again.
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    expect(page.locator(".rail-dot")).to_have_count(0)
    assert saved(agent).custom_instructions == "Always answer"


def test_what_was_typed_is_kept_when_another_window_saves_and_this_one_reloads(
    window: Windows, agent: AgentConfig
) -> None:
    page, other = window(f"/agents/{agent.pk}/personality/"), window(f"/agents/{agent.pk}/personality/")
    type_instructions(page, "Mine.")
    other.get_by_label("Curious").set_checked(True, force=True)
    expect(other.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_label(INSTRUCTIONS)).to_have_value("Mine.")
    expect(page.get_by_label("Curious")).to_be_checked()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    kept = saved(agent)
    assert (kept.custom_instructions, "curious" in kept.traits) == ("Mine.", True)


def test_a_field_that_both_windows_changed_is_compared_after_a_reload_too(
    window: Windows, agent: AgentConfig
) -> None:
    page, other = window(f"/agents/{agent.pk}/personality/"), window(f"/agents/{agent.pk}/personality/")
    type_instructions(other, "Theirs.")
    type_instructions(page, "Mine.")
    other.keyboard.press("Tab")
    expect(other.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    page.keyboard.press("Tab")
    expect(page.locator("[data-saved]")).to_have_text("Saved elsewhere too. Save to compare.")
    page.get_by_label(INSTRUCTIONS).press_sequentially(" And more.")
    expect(page.locator("[data-saved]")).to_have_text("Saved elsewhere too. Save to compare.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_label(INSTRUCTIONS)).to_have_value(re.compile("Mine"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Personality: saved elsewhere")).to_be_visible()
    assert saved(agent).custom_instructions == "Theirs."


@pytest.mark.parametrize("name", ["Grace", ""], ids=["right", "wrong"])
def test_what_is_typed_while_the_form_is_saved_stays(window: Windows, agent: AgentConfig, name: str) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    held = HeldRequest(page, "**/identity/", header="hx-request")
    page.get_by_label("Name").fill(name)
    page.keyboard.press("Control+s")
    held.wait()
    page.get_by_label("Description").fill("Finds sources.")
    held.let_go()
    # The answer took the form's place, what was typed came back, and what was left meanwhile is saved.
    expect(page.locator(".field-error")).to_have_count(int(not name))
    expect(page.get_by_label("Description")).to_have_value("Finds sources.")
    expect(page.get_by_label("Description")).to_be_focused()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Version").focus()
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved"))
    assert (saved(agent).name, agent.description) == ("Ada", "Finds sources.")


def test_what_is_typed_while_a_preset_fills_in_the_form_stays(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    held = HeldRequest(page, "**/personality/preset/")
    page.get_by_text("Mentor").click()
    held.wait()
    type_instructions(page)
    held.let_go()
    expect(page.get_by_text("Mentor is filled in. Save to keep it.")).to_be_visible()
    expect(page.get_by_label(INSTRUCTIONS)).to_have_value("Always answer in French.")
    expect(page.get_by_role("radio", name="Mentor")).to_be_checked()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved"))
    assert (saved(agent).custom_instructions, agent.tone) == ("Always answer in French.", "warm")
