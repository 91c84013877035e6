"""Choose what a build makes: each target has a state, files and a part of the log of its own."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from . import journey
from .conftest import OpenPage


def test_targets_of_one_build(open_page: OpenPage) -> None:
    page = open_page().page
    journey.sign_up(page)
    journey.make_agent(page)
    journey.choose_local_model(page)
    journey.save_personality_and_capabilities(page)
    journey.open_tab(page, "Build")
    page.get_by_label("Executable, Linux x86-64").check()
    page.get_by_role("button", name="Compile", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=500_000)

    for target, file in (("plugin", "ada.so"), ("linux-amd64", "ada")):
        card = page.locator(f"#target-{target}")
        expect(card).to_contain_text("Succeeded")
        link = card.get_by_role("link", name=file, exact=True)
        expect(link).to_be_hidden()
        card.get_by_text(re.compile(r"^\d+ files$")).click()
        with page.expect_download() as waiting:
            link.click()
        assert waiting.value.suggested_filename == file

    # Whoever comes later sees the sections folded.
    page.reload()
    for section in ("plugin linux/", "executable linux/amd64"):
        part = page.get_by_role("button", name=section)
        # Another test of this forge may have made the same plugin.
        expect(part).to_contain_text(re.compile("done|cached"))
        expect(part).to_contain_text(re.compile(r"\d s"))
        expect(part).to_have_attribute("aria-expanded", "false")
        part.click()
        expect(part).to_have_attribute("aria-expanded", "true")
    raw = page.request.get(f"{page.url}log.txt").text()
    assert "Stored 8 files" in raw
