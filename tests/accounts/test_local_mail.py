"""Passwords and addresses change by mailed links at the local identity service too."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import LazySettings
from django.core import mail
from django.test import Client

from agentforge.accounts.models import ApiToken, LocalIdentity, User

pytestmark = pytest.mark.django_db
EMAIL, PASSWORD, NEW = "ada@example.com", "correct horse battery", "another good passphrase"
RECOVERY = "/accounts/recovery/"


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.post("/sign-up/", {"email": EMAIL, "password": PASSWORD})
    return client


def link() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return urlsplit(found[1]).path


def can_sign_in(password: str, email: str = EMAIL) -> bool:
    return Client().post("/sign-in/", {"email": email, "password": password}).status_code == 302


def ask(email: str = EMAIL) -> str:
    answer = Client().post(RECOVERY, {"email": email}, follow=True)
    return answer.content.decode().replace(email, "ADDRESS")


def test_a_forgotten_password_is_set_by_a_mailed_link(ada: Client) -> None:
    assert "Forgot the password?" in Client().get("/sign-in/").content.decode()
    ask()
    assert mail.outbox[0].to == [EMAIL]
    browser = Client()
    assert browser.get(link()).status_code == 200
    assert browser.post(link(), {"password": "short"}).status_code == 422
    assert browser.post(link(), {"password": NEW})["Location"] == "/accounts/"
    assert browser.get("/agents/").status_code == 200
    assert can_sign_in(NEW)
    assert not can_sign_in(PASSWORD)


def test_whoever_had_the_account_before_is_out(ada: Client) -> None:
    """A stranger signed the address up; its owner takes the account over with the mail."""
    page = ada.post("/accounts/tokens/", {"name": "n", "scope": "write", "days": "7"})
    bearer = Client(headers={"Authorization": f"Bearer {page.context['secret']}"})
    assert bearer.get("/agents/").status_code == 200
    ask()
    Client().post(link(), {"password": NEW})
    assert ada.get("/agents/").status_code == 302
    assert bearer.get("/agents/").status_code == 401
    assert not ApiToken.objects.exists()


def test_a_link_works_once_and_for_an_hour(ada: Client) -> None:
    with time_machine.travel("2030-01-01 12:00Z", tick=False) as clock:
        ask()
        clock.shift(timedelta(minutes=61))
        assert Client().post(link(), {"password": NEW})["Location"] == RECOVERY
        ask()
        assert Client().post(link(), {"password": NEW})["Location"] == "/accounts/"
        again = Client().get(link(), follow=True)
        assert "no longer valid" in again.content.decode()
    assert Client().get("/accounts/reset/made-up/").status_code == 302


def test_the_answer_does_not_tell_who_has_an_account(ada: Client) -> None:
    assert re.sub(r'csrf\w*"[^>]+', "", ask()).count("a mail is on its way") == 1
    assert "a mail is on its way" in ask("nobody@example.com")
    User.objects.update(is_active=False)
    assert "a mail is on its way" in ask()
    assert len(mail.outbox) == 1
    statuses = [Client().post(RECOVERY, {"email": "x@example.com"}).status_code for _ in range(11)]
    assert statuses == [302] * 10 + [429]


def test_a_mail_server_that_is_away_is_not_told(ada: Client, settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert "a mail is on its way" in ask()


def test_an_address_changes_when_its_new_one_is_confirmed(ada: Client) -> None:
    given = {"email": "new@example.com", "current": PASSWORD}
    wrong = ada.post("/accounts/email/", {**given, "current": "guessed"})
    assert wrong.status_code == 422
    ada.post("/accounts/email/", given)
    assert mail.outbox[-1].to == ["new@example.com"]
    assert LocalIdentity.objects.get().email == EMAIL
    assert Client().get(link()).status_code == 200, "mail scanners follow links"
    assert LocalIdentity.objects.get().email == EMAIL
    confirm = link()
    Client().post(confirm)
    assert mail.outbox[-1].to == [EMAIL], "the old address is told"
    assert can_sign_in(PASSWORD, "new@example.com")
    assert not can_sign_in(PASSWORD)
    assert "new@example.com" in ada.get("/accounts/").content.decode()
    assert User.objects.get().email == "new@example.com"
    assert Client().post(confirm, follow=True).status_code == 200
    assert LocalIdentity.objects.get().email == "new@example.com"


def test_a_taken_address_is_not_told(ada: Client) -> None:
    Client().post("/sign-up/", {"email": "taken@example.com", "password": PASSWORD})
    answer = ada.post("/accounts/email/", {"email": "taken@example.com", "current": PASSWORD}, follow=True)
    assert "If taken@example.com is free" in answer.content.decode()
    assert not mail.outbox


def test_an_address_taken_meanwhile_stays_where_it_is(ada: Client) -> None:
    ada.post("/accounts/email/", {"email": "new@example.com", "current": PASSWORD})
    Client().post("/sign-up/", {"email": "new@example.com", "password": NEW})
    answer = ada.post(link(), follow=True)
    assert "has an account by now" in answer.content.decode()
    assert can_sign_in(NEW, "new@example.com")
