"""What a person does in the forge, in the words of the pages."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Page, expect

PASSWORD = "correct-horse-battery"
QUESTION = "What is the capital of France?"


def sign_up(page: Page) -> str:
    """Make an account, which signs in, and return its address."""
    email = f"ada-{secrets.token_hex(4)}@example.com"
    page.goto("/sign-up/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()
    return email


def make_agent(page: Page) -> None:
    """Fill in the first form wrongly, then rightly."""
    page.get_by_role("link", name="New agent").click()
    page.get_by_label("Name").fill("Al")
    page.get_by_text("Handle, version and type").click()
    page.get_by_label("Handle").fill("Not a handle!")
    page.get_by_role("button", name="Create agent").click()
    expect(page.locator(".field-error").first).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Al")  # what was typed is kept
    page.get_by_label("Name").fill("Ada <script>alert(1)</script>")
    page.get_by_label("Handle").fill("ada")
    page.get_by_role("radio", name=re.compile("^Researcher")).check()
    page.get_by_label("What should it do?").fill(
        'Says "quotes", `backticks`, {{ braces }} and //go:embed as they are.'
    )
    page.get_by_role("button", name="Create agent").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada <script>alert(1)</script>")


def open_tab(page: Page, name: str) -> None:
    """Go to a tab of the rail."""
    link = page.get_by_role("navigation", name="Steps").get_by_role("link", name=re.compile(f"^{name}"))
    with page.expect_navigation():
        link.click()
    expect(page.get_by_role("navigation", name="Steps").locator("[aria-current=page]")).to_contain_text(name)


def save(page: Page) -> None:
    """Save the tab and see that it says so."""
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))


def choose_provider_without_key(page: Page) -> None:
    """Choose a provider whose key was never given; its models are not known, so a name is typed."""
    open_tab(page, "API keys")
    page.get_by_role("radio", name="OpenAI", exact=True).check()
    page.get_by_role("textbox", name="Model", exact=True).fill("a-model")
    save(page)


def choose_local_model(page: Page) -> None:
    """Choose the local model, from its own list of models."""
    open_tab(page, "API keys")
    page.get_by_role("radio", name=re.compile("^Local model")).check()
    expect(page.get_by_label("Model", exact=True)).to_contain_text("smollm2-135m")
    page.get_by_label("Model", exact=True).select_option("smollm2-135m")
    save(page)


def save_personality_and_capabilities(page: Page) -> None:
    """Take the remaining tabs as they are offered, with one instruction of one's own."""
    open_tab(page, "Personality")
    page.get_by_label(re.compile("instructions", re.IGNORECASE)).fill("Answer in one short sentence.")
    save(page)
    open_tab(page, "Capabilities")
    save(page)


def ask(page: Page, question: str = QUESTION) -> None:
    """Ask the agent something in the Try tab."""
    open_tab(page, "Try")
    page.get_by_label("Message").fill(question)
    page.get_by_role("button", name="Send").click()
