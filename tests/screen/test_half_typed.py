"""What is typed in one form stays when another of its page is sent, and when its part is renewed."""

from __future__ import annotations

from playwright.sync_api import Dialog, Page, expect

from agentforge.accounts import api_tokens
from agentforge.accounts.models import User
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from deployments.models import Connection
from deployments.sites import lifecycle

from .conftest import Windows

KEPT = "JSON.stringify(sessionStorage)"


def test_a_name_stays_when_another_token_is_revoked(window: Windows, alice: User) -> None:
    for name in ("first", "second"):
        api_tokens.issue(alice, name=name, scope="read", days=30, aal="aal1")
    page = window("/accounts/tokens/")
    page.locator("main [name=name]").fill("Half a na")
    page.get_by_role("button", name="Revoke first").click()
    expect(page.get_by_role("button", name="Revoke first")).to_have_count(0)
    expect(page.locator("main [name=name]")).to_have_value("Half a na")
    # Only once: what was sent, or emptied by hand, does not come back.
    page.locator("main [name=name]").fill("")
    page.get_by_role("button", name="Revoke second").click()
    expect(page.get_by_role("button", name="Revoke second")).to_have_count(0)
    expect(page.locator("main [name=name]")).to_have_value("")


def test_a_greeting_stays_and_is_in_sight_when_the_site_is_checked(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    page = window(f"/agents/{agent.pk}/deploy/")
    page.locator("#access").evaluate("details => { details.open = true; }")
    page.get_by_label("Greeting").fill("Good mor")
    with page.expect_navigation():
        page.get_by_role("button", name="Check again").click()
    expect(page.get_by_label("Greeting")).to_have_value("Good mor")
    expect(page.get_by_label("Greeting")).to_be_visible()


def test_a_typed_key_is_asked_about_and_kept_nowhere(window: Windows, alice: User) -> None:
    save_key(alice, "openai", "sk-test-0123456789abcdef")
    page = window("/keys/")
    page.get_by_text("Replace the key").click()
    page.locator("[name=key]").first.fill("sk-typed-0123456789")
    page.get_by_text("Rename the key").click()
    page.get_by_role("textbox", name="Name").first.fill("Team")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        (dialog.dismiss if len(asked) == 1 else dialog.accept)()

    page.on("dialog", answer)
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.locator("[name=key]").first).to_have_value("sk-typed-0123456789")
    expect(page.get_by_role("button", name="Rename", exact=True)).to_be_enabled()
    assert ApiKey.objects.get().name != "Team"
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.get_by_text("Team", exact=True)).to_be_visible()
    assert asked == ["confirm", "confirm"]
    assert "sk-typed" not in page.evaluate(KEPT)


def _select(page: Page) -> None:
    page.get_by_label("Greeting").evaluate("field => { field.focus(); field.setSelectionRange(0, 4); }")


def test_the_focus_stays_in_a_text_that_is_renewed(window: Windows, agent: AgentConfig, alice: User) -> None:
    lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    page = window(f"/agents/{agent.pk}/deploy/")
    page.locator("#access").evaluate("details => { details.open = true; }")
    page.get_by_label("Greeting").fill("Good morning")
    _select(page)
    # With another account, the part that holds the form has another shape.
    shape = page.locator("[data-part=place]").get_attribute("data-shape")
    key = save_key(alice, "netlify", "nfp_0123456789abcdef0123456789abcdef")
    Connection.objects.create(owner=alice, host="netlify", key=key, who="Alice")
    page.evaluate("document.dispatchEvent(new CustomEvent('parts:stale'))")
    expect(page.locator("[data-part=place]")).not_to_have_attribute("data-shape", shape or "")
    expect(page.get_by_label("Greeting")).to_be_focused()
    page.keyboard.type("Fine")
    expect(page.get_by_label("Greeting")).to_have_value("Fine morning")
