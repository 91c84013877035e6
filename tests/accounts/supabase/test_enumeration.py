"""Nobody learns from this site who has an account, whatever the state of the project."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from agentforge.accounts.throttling import attempts
from agentforge.audit.models import AuditEvent
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.call import Reply

from .supabase_browser import EMAIL, PASSWORD, follow, is_signed_in, sign_in, words

pytestmark = pytest.mark.django_db
NOBODY = "nobody@example.com"
WRONG = "The e-mail address or the password is not right"


def refusal(status: int, code: str, message: str = "refused") -> Reply:
    return Reply({"code": status, "error_code": code, "msg": message}, status, {"x-sb-error-code": code})


# What the real service answers for addresses that it knows; for others it answers as without trouble.
ONLY_KNOWN = {
    "mail limit of the project": refusal(429, "over_email_send_rate_limit", "email rate limit exceeded"),
    "pause between two mails": refusal(429, "over_email_send_rate_limit", "only after 42 seconds"),
    "mail server away": refusal(500, "unexpected_failure", "Error sending recovery email"),
    "mail server slow": refusal(504, "request_timeout"),
    "magic links off": refusal(422, "email_provider_disabled", "Login with magic link is disabled"),
    "only the team gets mails": refusal(400, "email_address_not_authorized"),
    "address refused by the mail server": refusal(400, "email_address_invalid"),
    "sign-ups off, not confirmed": refusal(422, "signup_disabled"),
    "a hook's word": refusal(403, "unknown"),
    "a hook that takes too long": refusal(422, "hook_timeout"),
    "a code of next year": refusal(422, "a_code_of_next_year"),
}
EVERYBODY = {
    "limit of the service": (refusal(429, "over_request_rate_limit"), 429),
    "captcha": (refusal(400, "captcha_failed"), 422),
    "gateway": (Reply({"message": "no healthy upstream"}, 503), 503),
}
MAILS = {"/accounts/mail/": "/otp", "/accounts/recovery/": "/recover"}


def sent(path: str, email: str) -> Any:
    answer = Client().post(path, {"email": email}, follow=True)
    return answer.redirect_chain, answer.status_code, words(answer).replace(email, "ADDRESS")


@pytest.mark.parametrize("path", MAILS)
@pytest.mark.parametrize("state", ONLY_KNOWN)
def test_a_mail_that_only_known_addresses_are_refused(
    state: str, path: str, auth: SupabaseAuth, browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = sent(path, NOBODY)
    auth.replies[MAILS[path]] = ONLY_KNOWN[state]
    with caplog.at_level(logging.WARNING):
        known = sent(path, EMAIL)
    assert known[:2] == unknown[:2]
    assert "a mail is on its way" in known[2]
    assert "a mail is on its way" in unknown[2]
    assert ONLY_KNOWN[state].body["error_code"] in caplog.text, "operators can see why"
    assert EMAIL not in caplog.text


@pytest.mark.parametrize("path", MAILS)
@pytest.mark.parametrize("state", EVERYBODY)
def test_what_everybody_is_refused_is_said(
    state: str, path: str, auth: SupabaseAuth, browser: Client
) -> None:
    auth.replies[MAILS[path]], status = EVERYBODY[state]
    assert Client().post(path, {"email": EMAIL}).status_code == status


@pytest.mark.parametrize("path", MAILS)
def test_a_slow_mail_server_is_not_told(
    path: str, auth: SupabaseAuth, browser: Client, settings: LazySettings
) -> None:
    settings.SUPABASE_TIMEOUT = 0.2
    auth.hold = threading.Event()
    assert "a mail is on its way" in sent(path, EMAIL)[2]


# Of a sign-up: the service mails to addresses without a confirmed account only.
MAIL_TROUBLE = {name: ONLY_KNOWN[name] for name in ONLY_KNOWN if name.split()[0] in ("mail", "pause", "only")}


@pytest.mark.parametrize("state", MAIL_TROUBLE)
def test_a_sign_up_whose_mail_is_not_sent_looks_like_one_of_a_taken_address(
    state: str, auth: SupabaseAuth, browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    pages = {}
    for email in (EMAIL, NOBODY):
        if email == NOBODY:
            auth.replies["/signup"] = MAIL_TROUBLE[state]
        with caplog.at_level(logging.WARNING):
            answer = Client().post("/sign-up/", {"email": email, "password": PASSWORD}, follow=True)
        pages[email] = answer.redirect_chain, answer.status_code, words(answer).replace(email, "ADDRESS")
    assert pages[EMAIL][:2] == pages[NOBODY][:2]
    for _, _, page in pages.values():
        assert "We sent a mail to ADDRESS" in page
        assert "If none arrives in a few minutes" in page
    assert MAIL_TROUBLE[state].body["error_code"] in caplog.text, "operators can see why"
    assert NOBODY not in caplog.text


def test_a_slow_mail_server_is_not_told_at_a_sign_up(
    auth: SupabaseAuth, browser: Client, settings: LazySettings
) -> None:
    settings.SUPABASE_TIMEOUT = 0.2
    auth.hold = threading.Event()
    answer = Client().post("/sign-up/", {"email": NOBODY, "password": PASSWORD}, follow=True)
    assert "We sent a mail to" in words(answer)


@pytest.mark.parametrize("state", EVERYBODY)
def test_what_everybody_is_refused_at_a_sign_up_is_said(
    state: str, auth: SupabaseAuth, browser: Client
) -> None:
    auth.replies["/signup"], status = EVERYBODY[state]
    assert Client().post("/sign-up/", {"email": NOBODY, "password": PASSWORD}).status_code == status


def test_a_ban_looks_like_a_wrong_password_and_counts(auth: SupabaseAuth, browser: Client) -> None:
    [account] = auth.state.accounts.values()
    account.banned = True
    pages = [sign_in(Client(), email, given) for email, given in (
        (EMAIL, PASSWORD), (EMAIL, "guessed"), (NOBODY, "guessed"),
    )]  # fmt: skip
    assert [page.status_code for page in pages] == [422] * 3
    assert all(WRONG in words(page) and "disabled" not in words(page) for page in pages)
    assert AuditEvent.objects.filter(action="sign-in-failed").count() == 3
    statuses = [sign_in(Client(), EMAIL, "guessed").status_code for _ in range(attempts.PER_EMAIL)]
    assert statuses[-1] == 429


def test_a_ban_is_not_told_for_a_guessed_code(auth: SupabaseAuth, browser: Client) -> None:
    auth.replies["/verify"] = refusal(403, "user_banned")
    known = browser.post("/accounts/code/", {"email": EMAIL, "code": "000000"})
    auth.replies.clear()
    unknown = browser.post("/accounts/code/", {"email": NOBODY, "code": "000000"})
    for page in (known, unknown):
        assert page.status_code == 422
        assert "no longer valid" in words(page)


def test_who_is_disabled_here_can_not_sign_in(auth: SupabaseAuth, signed_in: Client) -> None:
    signed_in.post("/sign-out/")
    User.objects.update(is_active=False)
    page = sign_in(signed_in)
    assert page.status_code == 422
    assert WRONG in words(page)
    assert auth.state.sessions == {}
    signed_in.post("/accounts/mail/", {"email": EMAIL})
    answer = follow(signed_in, auth.mail_to(EMAIL).link)
    assert "This account is disabled" in words(signed_in.get(answer["Location"]))
    assert not is_signed_in(signed_in)


def test_a_change_of_address_does_not_tell_whose_it_is(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.account("taken@example.com")
    answer = signed_in.post("/accounts/email/", {"email": "taken@example.com"}, follow=True)
    assert "If taken@example.com is free" in words(answer)
