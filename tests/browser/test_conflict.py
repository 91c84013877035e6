"""Save one draft in two browser tabs: the later one sees both sides and chooses."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from . import journey
from .conftest import OpenPage


def test_two_tabs_on_one_draft(open_page: OpenPage) -> None:
    first = open_page().page
    journey.sign_up(first)
    journey.make_agent(first)
    journey.open_tab(first, "Identity")
    second = first.context.new_page()
    second.goto(first.url)
    first.get_by_label("Name").fill("Grace")
    journey.save(first)
    second.get_by_label("Name").fill("Hedy")
    second.get_by_label("Description").fill("Said in the second tab.")
    second.get_by_role("button", name="Save", exact=True).click()
    expect(second.get_by_role("heading", name="Identity: saved elsewhere")).to_be_visible()
    name, description = second.locator("#choose_name"), second.locator("#choose_description")
    expect(name).to_contain_text("Grace")
    expect(name).to_contain_text("Hedy")
    # Only this tab changed the description, so its side is marked; of the name nobody knows.
    expect(description.get_by_role("radio", name=re.compile("^Yours"))).to_be_checked()
    expect(name.get_by_role("radio", checked=True)).to_have_count(0)
    name.get_by_role("radio", name=re.compile("^Saved")).check()
    second.get_by_role("button", name="Save the chosen").click()
    expect(second.get_by_label("Name")).to_have_value("Grace")
    expect(second.get_by_label("Description")).to_have_value("Said in the second tab.")
