"""Sign-up by mail, a second factor and a provider's sign-in, in a real browser under the content policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.drivers.browser_watch import Watched
from tests.drivers.forge import Forge
from tests.standins.supabase_auth import SupabaseAuth, code_at

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture
def auth() -> Iterator[SupabaseAuth]:
    service = SupabaseAuth().start()
    yield service
    service.stop()


@pytest.fixture
def page(auth: SupabaseAuth, chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page of a forge whose identity service is the stand-in."""
    with Forge(
        tmp_path / "var",
        SUPABASE_URL=auth.url,
        SUPABASE_ANON_KEY=auth.publishable_key,
        SUPABASE_OAUTH_PROVIDERS="github",
        LOCAL_MODEL="0",
    ) as forge:
        forge.wait_until_ready()
        auth.site_url = forge.url
        watched = Watched(chromium.new_context(base_url=forge.url).new_page())
        watched.page.set_default_timeout(90_000)
        yield watched.page
        watched.page.context.close()
        assert watched.problems == []


def test_mail_second_factor_and_provider(auth: SupabaseAuth, page: Page) -> None:
    page.goto("/sign-up/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text(f"We sent a mail to {EMAIL}")).to_be_visible()
    page.goto(auth.mail_to(EMAIL).link)
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()

    page.goto("/accounts/second-factor/")
    page.get_by_role("button", name="Set up an authenticator app").click()
    picture = page.get_by_alt_text("QR code of the secret below")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    [account] = auth.state.accounts.values()
    [factor] = account.factors.values()
    page.get_by_label("Code from your authenticator app").fill(code_at(factor.secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()

    page.goto("/accounts/")
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_role("button", name="Continue with GitHub").click()
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()
    page.goto("/accounts/")
    expect(page.locator(".lede", has_text="octo@example.com")).to_be_visible()
