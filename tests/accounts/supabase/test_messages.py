"""What a person reads when the service refuses, redirects with an error, or has ended the session."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agentforge.accounts.identity.supabase_refusals import REFUSALS, REFUSED
from agentforge.accounts.models import SignIn
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.call import Reply

from .supabase_browser import EMAIL, PASSWORD, follow, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
NEW = "another good passphrase"
JSON = {"Accept": "application/json"}
# What the service answers the forge's calls with (errorcode.go); `unknown` is a hook's, with its own words.
CODES = {
    "anonymous_provider_disabled",
    "bad_code_verifier",
    "bad_json",
    "bad_jwt",
    "bad_oauth_callback",
    "bad_oauth_state",
    "captcha_failed",
    "conflict",
    "current_password_invalid",
    "current_password_required",
    "email_address_invalid",
    "email_address_not_authorized",
    "email_address_not_provided",
    "email_conflict_identity_not_deletable",
    "email_exists",
    "email_not_confirmed",
    "email_provider_disabled",
    "feature_disabled",
    "flow_state_already_used",
    "flow_state_expired",
    "flow_state_not_found",
    "hook_payload_invalid_content_type",
    "hook_payload_over_size_limit",
    "hook_timeout",
    "hook_timeout_after_retry",
    "identity_already_exists",
    "identity_not_found",
    "insufficient_aal",
    "invalid_credentials",
    "invite_not_found",
    "manual_linking_disabled",
    "mfa_challenge_expired",
    "mfa_factor_name_conflict",
    "mfa_factor_not_found",
    "mfa_ip_address_mismatch",
    "mfa_totp_enroll_not_enabled",
    "mfa_totp_verify_not_enabled",
    "mfa_verification_failed",
    "mfa_verification_rejected",
    "mfa_verified_factor_exists",
    "no_authorization",
    "not_admin",
    "oauth_provider_not_supported",
    "otp_disabled",
    "otp_expired",
    "over_email_send_rate_limit",
    "over_request_rate_limit",
    "provider_disabled",
    "provider_email_needs_verification",
    "reauthentication_needed",
    "reauthentication_not_valid",
    "refresh_token_already_used",
    "refresh_token_not_found",
    "request_entity_too_large",
    "request_timeout",
    "same_password",
    "session_expired",
    "session_not_found",
    "signup_disabled",
    "single_identity_not_deletable",
    "too_many_enrolled_mfa_factors",
    "unexpected_failure",
    "user_already_exists",
    "user_banned",
    "user_not_found",
    "user_sso_managed",
    "validation_failed",
    "weak_password",
}


def refusal(status: int, code: str, message: str = "refused") -> Reply:
    return Reply({"code": status, "error_code": code, "msg": message}, status, {"x-sb-error-code": code})


def test_each_code_has_words() -> None:
    assert CODES - set(REFUSALS) == set()
    assert all(message.endswith((".", "?")) and message != REFUSED for _, message in REFUSALS.values())


@pytest.mark.parametrize("code", ["captcha_failed", "email_provider_disabled", "validation_failed"])
def test_a_refusal_says_what_it_is_about(code: str, auth: SupabaseAuth, client: Client) -> None:
    auth.replies["/signup"] = refusal(400, code)
    page = client.post("/sign-up/", {"email": EMAIL, "password": PASSWORD})
    assert page.status_code == 422
    assert REFUSALS[code][1] in words(page)


def test_a_hook_speaks_for_itself(auth: SupabaseAuth, client: Client) -> None:
    auth.replies["/signup"] = refusal(400, "unknown", "Only company addresses <here>.")
    page = words(client.post("/sign-up/", {"email": EMAIL, "password": PASSWORD}))
    assert "Only company addresses &lt;here&gt;. Nothing was changed." in page


def test_a_gateways_refusal_tells_operators_about_the_key(
    auth: SupabaseAuth, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    auth.replies["/token"] = Reply({"message": "Invalid API key"}, 401)
    page = sign_in(client)
    assert page.status_code == 422
    assert "does not know this site" in words(page)
    assert "SUPABASE_ANON_KEY" in caplog.text


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("x7" * 36, True),
        ("x7" * 36 + "x", False),
        ("ä7" * 24, True),
        ("ä7" * 24 + "x", False),
        ("x7" * 128, False),
    ],
)
def test_passwords_have_the_services_length(
    password: str, fits: bool, auth: SupabaseAuth, client: Client
) -> None:
    page = client.post("/sign-up/", {"email": EMAIL, "password": password})
    assert page.status_code == (302 if fits else 422)
    assert fits or "This password is too long: 72 characters at most" in words(page)
    assert auth.requests["POST /signup"] == int(fits)


def test_a_longer_password_is_refused_at_a_change_too(auth: SupabaseAuth, signed_in: Client) -> None:
    page = signed_in.post("/accounts/password/", {"current": PASSWORD, "password": "x7" * 40})
    assert "This password is too long" in words(page)


@pytest.mark.parametrize("email", ["x@exämple.com", "x@пример.рф", '"xy"@example.com'])
def test_addresses_are_the_services(email: str, auth: SupabaseAuth, signed_in: Client) -> None:
    browsers = {"/sign-up/": Client(), "/accounts/mail/": Client(), "/accounts/email/": signed_in}
    for path, client in browsers.items():
        page = client.post(path, {"email": email, "password": PASSWORD})
        assert page.status_code == 422
        assert "xn--" in words(page)


def callback(client: Client, query: str) -> str:
    return words(client.get(f"/accounts/callback/?{query}", follow=True))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("error=access_denied&error_code=user_banned", "This account is disabled"),
        ("error=access_denied&error_code=signup_disabled", "Sign-up is closed here"),
        ("error=x&error_code=provider_email_needs_verification", "Follow the link in the mail"),
        ("error=access_denied&error_code=otp_expired", "your address is confirmed"),
        ("error=access_denied", "refused at the provider"),
        ("error=server_error&error_code=unexpected_failure", "the provider or the identity service failed"),
        ("error=invalid_request&error_code=bad_oauth_state", "The provider's answer was not complete"),
        ("error=%3Cb%3E&error_code=%3Cb%3E&error_description=evil", "The sign-in was not finished"),
    ],
)
def test_a_redirect_with_an_error_says_which(
    query: str, said: str, auth: SupabaseAuth, client: Client
) -> None:
    page = callback(client, query)
    assert said in page
    assert "evil" not in page


def test_an_empty_callback_confirms_nothing(auth: SupabaseAuth, client: Client) -> None:
    page = callback(client, "")
    assert "There was nothing to confirm" in page
    assert "is confirmed" not in page


def test_a_reloaded_callback_says_nothing(auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/mail/", {"email": EMAIL})
    answer = follow(browser, auth.mail_to(EMAIL).link)
    again = browser.get(answer.request["PATH_INFO"] + "?" + answer.request["QUERY_STRING"], follow=True)
    assert "is confirmed" not in words(again)
    assert is_signed_in(browser)


def test_a_token_hash_leads_where_the_sign_up_came_from(auth: SupabaseAuth, client: Client) -> None:
    client.post("/sign-up/?next=/healthz", {"email": EMAIL, "password": PASSWORD})
    given = {"token_hash": auth.mail_to(EMAIL).token_hash, "type": "email"}
    assert client.post("/accounts/confirm/", given)["Location"] == "/healthz"


def test_the_page_after_a_sign_up_asks_for_the_mail(auth: SupabaseAuth, client: Client) -> None:
    page = client.post("/sign-up/", {"email": EMAIL, "password": PASSWORD}, follow=True)
    assert "Check your mail" in words(page)


def test_the_last_code_can_still_be_typed(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.needs_reauthentication = True
    given = {"current": PASSWORD, "password": NEW}
    assert "Type its code" in words(signed_in.post("/accounts/password/", given))
    code = auth.mail_to(EMAIL).code
    auth.replies["/reauthenticate"] = refusal(429, "over_email_send_rate_limit", "only after 50 seconds")
    page = words(signed_in.post("/accounts/password/", given))
    assert "Type the code of the last one" in page
    assert 'autocomplete="one-time-code"' in page
    assert signed_in.post("/accounts/password/", {**given, "code": code}).status_code == 302


def test_a_provider_that_the_project_turned_off(
    auth: SupabaseAuth, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    auth.providers = []
    page = client.post("/accounts/with/github/", follow=True)
    assert "this provider is turned off" in words(page)
    assert "SUPABASE_OAUTH_PROVIDERS" in caplog.text


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/accounts/email/", {"email": "new@example.com"}),
        ("/accounts/password/", {"current": PASSWORD, "password": NEW}),
        ("/accounts/second-factor/enrol/", {}),
    ],
)
def test_a_session_that_is_gone_is_gone_here(
    path: str, given: dict[str, str], auth: SupabaseAuth, signed_in: Client
) -> None:
    bearer = {**JSON, "Authorization": f"Bearer {row(signed_in).access_token}"}
    auth.state.sessions.clear()
    page: Any = signed_in.post(path, given, follow=True)
    assert page.redirect_chain[-1][0].startswith("/sign-in/")
    assert "Your session has ended. Sign in again." in words(page)
    assert not is_signed_in(signed_in)
    assert not SignIn.objects.exists()
    assert Client(headers=bearer).get("/agents/").status_code == 401


def test_a_script_is_told_that_its_session_is_gone(auth: SupabaseAuth, signed_in: Client) -> None:
    script = Client(headers={**JSON, "Authorization": f"Bearer {row(signed_in).access_token}"})
    auth.state.sessions.clear()
    answer = script.post("/accounts/email/", {"email": "new@example.com"}, "application/json")
    assert answer.status_code == 401
    assert "session has ended" in answer.json()["detail"]
