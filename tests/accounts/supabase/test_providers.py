from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, claims, follow, is_signed_in, sign_in, words

pytestmark = pytest.mark.django_db
START = "/accounts/with/github/"


def begin(client: Client, **given: str) -> str:
    """Begin to sign in with a provider; return where the page leads."""
    page = client.post(START, given)
    assert page.status_code == 200
    url: str = page.context["url"]
    assert page["Refresh"] == f"0; url={url}"
    return url


def test_sign_in_with_a_provider(auth: SupabaseAuth, client: Client) -> None:
    assert "Continue with GitHub" in words(client.get("/sign-in/"))
    url = begin(client, next="/healthz")
    assert "code_challenge_method=s256" in url
    answer = follow(client, url)
    assert (answer.status_code, answer["Location"]) == (302, "/healthz")
    assert claims(client)["email"] == User.objects.get().email == "octo@example.com"


def test_a_known_address_is_the_same_person(auth: SupabaseAuth, signed_in: Client) -> None:
    existing = User.objects.get()
    auth.provider_answer["email"] = EMAIL
    other = Client()
    follow(other, begin(other))
    assert is_signed_in(other)
    assert User.objects.get() == existing


def test_a_redirect_that_was_not_asked_for_signs_nobody_in(auth: SupabaseAuth, client: Client) -> None:
    attacker = Client()
    url = begin(attacker)
    answer = follow(client, url)
    assert answer["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_a_redirect_works_once(auth: SupabaseAuth, client: Client) -> None:
    url = begin(client)
    follow(client, url)
    client.post("/sign-out/")
    assert follow(client, url)["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_who_says_no_there_is_told_here(auth: SupabaseAuth, client: Client) -> None:
    auth.provider_answer = {"error": "access_denied", "error_description": "<b>denied</b>"}
    follow(client, begin(client))
    page = words(client.get("/sign-in/"))
    assert "The sign-in was not finished" in page
    assert "denied" not in page


def test_only_chosen_providers_are_offered(
    auth: SupabaseAuth, client: Client, settings: LazySettings
) -> None:
    assert client.post("/accounts/with/google/").status_code == 404
    settings.SUPABASE_OAUTH_PROVIDERS = []
    assert client.post(START).status_code == 404
    assert "GitHub" not in words(client.get("/sign-in/"))


def test_no_token_reaches_the_browser(auth: SupabaseAuth, client: Client) -> None:
    answer = follow(client, begin(client))
    [issued] = auth.state.refresh_tokens
    seen = f"{answer.serialize_headers()!r} {client.cookies.output()} {dict(client.session)}"
    assert issued not in seen
    assert "provider-access-token" not in seen


def test_who_has_no_password_sets_the_first_one_by_mail(auth: SupabaseAuth, client: Client) -> None:
    follow(client, begin(client))
    page = words(client.get("/accounts/password/"))
    assert "You sign in with GitHub" in page
    assert 'value="octo@example.com"' in page
    client.post("/accounts/recovery/", {"email": "octo@example.com"})
    assert follow(client, auth.mail_to("octo@example.com").link)["Location"] == "/accounts/password/"
    page = words(client.get("/accounts/password/"))
    assert "You sign in with" not in page
    assert client.post("/accounts/password/", {"password": "a first good passphrase"}).status_code == 302
    assert sign_in(Client(), "octo@example.com", "a first good passphrase").status_code == 302
