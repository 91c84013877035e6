"""From signing up to an answer of a real language model, in a real browser, on the whole running forge."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.drivers.forge import Forge

from . import journey
from .conftest import OpenPage


def test_from_a_form_to_an_agent_that_answers(open_page: OpenPage, forge: Forge, tmp_path: Path) -> None:
    watched = open_page()
    page = watched.page
    journey.sign_up(page)
    journey.make_agent(page)
    _process_too_early(page)
    journey.choose_local_model(page)
    journey.save_personality_and_capabilities(page)
    _process(page)
    _compile_and_watch(page)
    files = _download(page, tmp_path)
    _run(files, forge)
    _chat(page)


def _process_too_early(page: Page) -> None:
    """Stop at the first tab that is not right, opened with its message beside the field."""
    journey.choose_provider_without_key(page)
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator("[data-rail-outcome]")).to_have_text("One tab needs attention.")
    expect(page.locator(".rail-item[data-tab=identity]")).to_have_attribute("data-state", "valid")
    expect(page.locator(".rail-item[data-tab=keys]")).to_have_attribute("data-state", "invalid")
    expect(page).to_have_url(re.compile("/keys/"))
    expect(page.locator(".field-error").first).to_be_visible()


def _process(page: Page) -> None:
    """Every tab is checked for real, and a reload shows the same."""
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator("[data-rail-outcome]")).to_have_text("Ready to compile.")
    for reload in (False, True):
        if reload:
            page.reload()
        for tab in ("identity", "keys", "personality", "capabilities"):
            item = page.locator(f".rail-item[data-tab={tab}]")
            expect(item).to_have_attribute("data-state", "valid")
    page.get_by_role("link", name="Go to Build").click()


def _compile_and_watch(page: Page) -> None:
    """Lines arrive; a reload in the middle shows each of them once, in order."""
    page.get_by_role("button", name="Compile", exact=True).click()
    lines = page.locator(".log-line")
    expect(lines.first).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=500_000)
    expect(page.locator(".summary")).to_contain_text("sha256")
    raw = page.request.get(f"{page.url}log.txt").text()
    # What is far from the view is not in the document: lines are told by their numbers.
    numbers = lines.evaluate_all("lines => lines.map((line) => Number(line.dataset.n))")
    assert len(numbers) == len(set(numbers)) > 0
    told = raw.splitlines()
    shown = page.locator(".log-text").all_inner_texts()
    assert all(text.rstrip() in told[n - 1] for n, text in zip(numbers, shown, strict=True))
    page.reload()
    expect(lines.first).to_be_visible()
    expect(page.locator("[data-log-empty]")).to_be_hidden()


def _download(page: Page, directory: Path) -> Path:
    """The zip holds what the page promises: the hash on the page is the plugin's."""
    promised = page.locator("#plugin-sha256").text_content()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download all").click()
    archive = directory / "agent.zip"
    waiting.value.save_as(archive)
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            path = Path(packed.extract(member, directory / "agent"))
            path.chmod(member.external_attr >> 16 & 0o777)
    (plugin,) = (directory / "agent").rglob("ada.so")
    assert hashlib.sha256(plugin.read_bytes()).hexdigest() == promised
    for line in (plugin.parent / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((plugin.parent / name).read_bytes()).hexdigest() == digest
    return plugin.parent


def _run(files: Path, forge: Forge) -> None:
    """The downloaded host runs the downloaded plugin where neither Go nor Python can be found."""
    environment = {"PATH": "", "LOCAL_MODEL_URL": forge.model_url}
    answer = subprocess.run(
        ["./agentforge-host", "--message", journey.QUESTION, "ada.so"],
        cwd=files,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert re.search(r"\w", answer.stdout)


def _chat(page: Page) -> None:
    """The compiled agent answers in the page, token by token; a reload keeps the conversation."""
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Message").fill(journey.QUESTION)
    page.get_by_role("button", name="Send").click()
    answer = page.locator(".chat-message[data-role=assistant]")
    expect(answer).to_have_attribute("data-status", "done", timeout=120_000)
    expect(answer.locator("[data-chat-text]")).to_have_text(re.compile(r"\w"))
    said = answer.locator("[data-chat-text]").inner_text()
    page.reload()
    expect(page.locator(".chat-message")).to_have_count(2)
    expect(answer.locator("[data-chat-text]")).to_have_text(said)


def test_the_same_without_javascript(open_page: OpenPage, forge: Forge) -> None:
    """Pages, forms, checks, build and chat work without a script; only the live tail needs one."""
    page = open_page(scripts=False).page
    journey.sign_up(page)
    journey.make_agent(page)
    journey.choose_local_model(page)
    journey.save_personality_and_capabilities(page)
    page.get_by_role("button", name="Check everything").click()
    _reload_until(page, "[data-rail-outcome]", "Ready to compile.")
    page.get_by_role("link", name="Go to Build").click()
    page.get_by_role("button", name="Compile", exact=True).click()
    _reload_until(page, "h1", "Succeeded", times=900)
    assert page.locator(".log-line").count() > 0
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Message").fill(journey.QUESTION)
    page.get_by_role("button", name="Send").click()
    answer = ".chat-message[data-role=assistant] [data-chat-usage]"
    _reload_until(page, answer, "tokens in", times=240)
    assert page.locator(".chat-message").count() == 2


def _reload_until(page: Page, selector: str, text: str, times: int = 60) -> None:
    """Load the page again, as its own link offers, until it says something."""
    for _ in range(times):
        if text in (page.locator(selector).first.text_content(timeout=5_000) or ""):
            return
        page.goto(page.url)
        page.wait_for_timeout(500)
    raise AssertionError(f"{selector} never said {text!r}: {page.locator(selector).first.text_content()}")
