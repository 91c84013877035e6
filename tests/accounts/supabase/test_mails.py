from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client

from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.call import Reply

from .supabase_browser import EMAIL, PASSWORD, claims, follow, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
GIVEN = {"email": EMAIL, "password": PASSWORD}


def test_sign_up_is_confirmed_by_the_link(auth: SupabaseAuth, client: Client) -> None:
    answer = client.post("/sign-up/?next=/healthz", GIVEN)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/code/?next=/healthz")
    answer = follow(client, auth.mail_to(EMAIL).link)
    assert (answer.status_code, answer["Location"]) == (302, "/healthz")
    assert claims(client)["email"] == EMAIL


def test_sign_up_is_confirmed_by_the_code(auth: SupabaseAuth, client: Client) -> None:
    client.post("/sign-up/", GIVEN)
    page = client.get("/accounts/code/")
    assert f'value="{EMAIL}"' in words(page)
    wrong = client.post("/accounts/code/", {"email": EMAIL, "code": "000000x"})
    assert wrong.status_code == 422
    assert not is_signed_in(client)
    client.post("/accounts/code/", {"email": EMAIL, "code": auth.mail_to(EMAIL).code})
    assert is_signed_in(client)


def test_sign_up_is_confirmed_in_another_browser(auth: SupabaseAuth, client: Client) -> None:
    client.post("/sign-up/", GIVEN)
    elsewhere = Client()
    answer = follow(elsewhere, auth.mail_to(EMAIL).link)
    assert answer["Location"] == "/sign-in/"
    page = elsewhere.get("/sign-in/")
    assert page.status_code == 200, "nobody is signed in"
    assert "confirmed, though not in the browser" in words(page)
    assert sign_in(elsewhere).status_code == 302


def test_sign_up_without_confirmation(auth: SupabaseAuth, client: Client) -> None:
    auth.autoconfirm = True
    assert client.post("/sign-up/?next=/healthz", GIVEN)["Location"] == "/healthz"
    assert is_signed_in(client)


def test_sign_up_says_nothing_about_a_taken_address(auth: SupabaseAuth, browser: Client) -> None:
    for email in (EMAIL, "free@example.com"):
        answer = Client().post("/sign-up/", {"email": email, "password": PASSWORD}, follow=True)
        assert f"We sent a mail to {email}" in words(answer)
    assert [mail.to for mail in auth.state.inbox] == ["free@example.com"]
    auth.autoconfirm = True
    answer = Client().post("/sign-up/", GIVEN, follow=True)
    assert "This address has an account. Sign in with its password." in words(answer)


def test_who_has_not_confirmed_can_ask_for_the_mail_again(auth: SupabaseAuth, client: Client) -> None:
    client.post("/sign-up/", GIVEN)
    page = sign_in(client)
    assert page.status_code == 422
    assert "is not confirmed yet" in words(page)
    assert "Send the confirmation again" in words(page)
    client.post("/accounts/mail/", {"email": EMAIL})
    assert len(auth.state.inbox) == 2
    follow(client, auth.mail_to(EMAIL).link)
    assert is_signed_in(client)


def test_a_weak_password_is_refused_in_the_services_words(auth: SupabaseAuth, client: Client) -> None:
    auth.min_password = 40
    page = client.post("/sign-up/", GIVEN)
    assert page.status_code == 422
    assert "at least 40 characters" in words(page)


@pytest.mark.parametrize("by", ["link", "code", "token_hash"])
def test_sign_in_by_mail(by: str, auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/mail/?next=/healthz", {"email": EMAIL})
    mail = auth.mail_to(EMAIL)
    if by == "link":
        answer = follow(browser, mail.link)
    elif by == "code":
        answer = browser.post("/accounts/code/?next=/healthz", {"email": EMAIL, "code": mail.code})
    else:
        query = f"token_hash={mail.token_hash}&type=magiclink&next=/healthz"
        assert browser.get(f"/accounts/confirm/?{query}").status_code == 200
        assert not is_signed_in(browser), "mail scanners follow links"
        given = {"token_hash": mail.token_hash, "type": "magiclink", "next": "/healthz"}
        answer = browser.post("/accounts/confirm/", given)
    assert (answer.status_code, answer["Location"]) == (302, "/healthz")
    assert is_signed_in(browser)


@pytest.mark.parametrize("path", ["/accounts/mail/", "/accounts/recovery/"])
def test_mails_say_nothing_about_who_has_an_account(path: str, auth: SupabaseAuth, browser: Client) -> None:
    auth.mail_pause = 60
    answers = [
        browser.post(path, {"email": email}, follow=True)
        for email in (EMAIL, EMAIL, "nobody@example.com", "nobody@example.com")
    ]
    message = {words(answer).replace(quote(answer.request["QUERY_STRING"]), "") for answer in answers}
    assert all("a mail is on its way" in text for text in message)
    assert [mail.to for mail in auth.state.inbox] == [EMAIL]


@pytest.mark.parametrize(
    ("path", "asked"), [("/accounts/mail/", "/otp"), ("/accounts/recovery/", "/recover")]
)
def test_no_mail_is_promised_on_a_page_in_front_of_the_service(
    path: str, asked: str, auth: SupabaseAuth, browser: Client
) -> None:
    auth.replies[asked] = Reply("<h1>Back soon</h1>", content_type="text/html; charset=utf-8")
    answer = browser.post(path, {"email": EMAIL}, follow=True)
    assert answer.status_code == 503
    assert "The identity service does not answer" in words(answer)


def test_a_link_works_once(auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/mail/", {"email": EMAIL})
    mail = auth.mail_to(EMAIL)
    given = {"token_hash": mail.token_hash, "type": "magiclink"}
    browser.post("/accounts/confirm/", given)
    browser.post("/sign-out/")
    again = browser.post("/accounts/confirm/", given)
    assert again.status_code == 422
    assert "no longer valid" in words(again)
    assert not is_signed_in(browser)
    assert follow(browser, mail.link)["Location"] == "/sign-in/"


@pytest.mark.parametrize("query", ["", "token_hash=x%3Cscript%3E&type=signup", "token_hash=x&type=other"])
def test_a_broken_link_is_told(query: str, auth: SupabaseAuth, client: Client) -> None:
    page = client.get(f"/accounts/confirm/?{query}")
    assert page.status_code == 422
    assert "<script>" not in words(page).replace('<script defer src="', "")


def test_a_callback_with_another_browsers_code_signs_nobody_in(auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/mail/", {"email": EMAIL})
    victim = Client()
    victim.post("/accounts/mail/", {"email": "victim@example.com"})
    state = next(iter(victim.session["flows"]))
    attackers_code = next(iter(auth.state.flows.values())).code
    answer = victim.get(f"/accounts/callback/?state={state}&code={attackers_code}")
    assert answer["Location"] == "/sign-in/"
    assert not is_signed_in(victim)


def test_next_leads_to_this_site_only(auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/mail/?next=//evil.example/", {"email": EMAIL})
    answer = follow(browser, auth.mail_to(EMAIL).link)
    assert answer["Location"] == "/agents/"


def test_a_forgotten_password_is_set_anew(auth: SupabaseAuth, browser: Client) -> None:
    other = Client()
    sign_in(other)
    browser.post("/accounts/recovery/", {"email": EMAIL})
    answer = follow(browser, auth.mail_to(EMAIL).link)
    assert answer["Location"] == "/accounts/password/"
    answer = browser.post("/accounts/password/", {"password": "another good passphrase"})
    assert answer["Location"] == "/accounts/"
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    assert sign_in(Client(), password="another good passphrase").status_code == 302
    assert browser.post("/accounts/password/", {"password": "a third passphrase"}).status_code == 422


def test_recovery_by_code_leads_to_the_password_too(auth: SupabaseAuth, browser: Client) -> None:
    browser.post("/accounts/recovery/", {"email": EMAIL})
    given = {"email": EMAIL, "code": auth.mail_to(EMAIL).code, "kind": "recovery"}
    assert browser.post("/accounts/code/", given)["Location"] == "/accounts/password/"


def test_a_change_of_address_needs_both_mails(auth: SupabaseAuth, signed_in: Client) -> None:
    before = row(signed_in).user_id
    signed_in.post("/accounts/email/", {"email": "new@example.com"})
    answer = follow(signed_in, auth.mail_to(EMAIL).link)
    assert answer["Location"] == "/accounts/"
    assert claims(signed_in)["email"] == EMAIL
    given = {"token_hash": auth.mail_to("new@example.com").token_hash, "type": "email_change"}
    signed_in.post("/accounts/confirm/", given)
    assert claims(signed_in)["email"] == "new@example.com"
    assert row(signed_in).user_id == before
    assert row(signed_in).user.email == "new@example.com"


def test_a_taken_address_is_not_told_to_who_wants_it(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.account("taken@example.com")
    for email in ("taken@example.com", "free@example.com"):
        answer = signed_in.post("/accounts/email/", {"email": email}, follow=True)
        assert f"If {email} is free, a mail is on its way" in words(answer)
