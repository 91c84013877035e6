"""Whose account it is: who proves an address chooses its password, whoever signed it up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import User
from tests.standins.supabase_auth import SupabaseAuth, code_at

from .supabase_browser import EMAIL, PASSWORD, enrol, follow, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
STRANGERS, NEW = "the password of a stranger", "another good passphrase"
JSON = {"Accept": "application/json"}
CHOICE = "/accounts/password/"


def sign_up(client: Client, password: str) -> None:
    assert client.post("/sign-up/", {"email": EMAIL, "password": password}).status_code == 302


def confirm(client: Client, auth: SupabaseAuth, by: str) -> Any:
    mail = auth.mail_to(EMAIL)
    if by == "link":
        return follow(client, mail.link)
    if by == "code":
        return client.post("/accounts/code/", {"email": EMAIL, "code": mail.code})
    return client.post("/accounts/confirm/", {"token_hash": mail.token_hash, "type": "signup"})


def choose(client: Client, password: str = NEW) -> Any:
    return client.post(f"{CHOICE}?next=/agents/", {"password": password, "next": "/agents/"})


@pytest.mark.parametrize("by", ["link", "code", "token_hash"])
def test_who_confirms_anothers_sign_up_chooses_the_password(
    by: str, auth: SupabaseAuth, client: Client
) -> None:
    sign_up(Client(), STRANGERS)
    sign_up(client, PASSWORD)
    confirm(client, auth, by)
    held = client.get("/agents/")
    assert (held.status_code, held["Location"]) == (302, f"{CHOICE}?next=/agents/")
    assert client.post("/agents/new/", headers=JSON).status_code == 403
    page = client.get(CHOICE)
    assert "Choose the password" in words(page)
    assert "Current password" not in words(page)
    assert choose(client)["Location"] == "/agents/"
    assert client.get("/agents/").status_code == 200
    assert sign_in(Client(), password=STRANGERS).status_code == 422
    assert sign_in(Client(), password=NEW).status_code == 302


def test_a_stranger_who_is_in_already_is_out_with_the_choice(auth: SupabaseAuth, client: Client) -> None:
    sign_up(Client(), STRANGERS)
    sign_up(client, PASSWORD)
    confirm(client, auth, "link")
    stranger, script = Client(), Client(enforce_csrf_checks=True)
    sign_in(stranger, password=STRANGERS)
    given = {"email": EMAIL, "password": STRANGERS}
    tokens = script.post("/sign-in/", given, "application/json", headers=JSON).json()["tokens"]
    bearer = Client(headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert bearer.get("/agents/").status_code == 200
    mine = row(client).access_token
    choose(client)
    assert not is_signed_in(stranger)
    assert bearer.get("/agents/").status_code == 401
    assert client.get("/agents/").status_code == 200
    assert Client(headers={"Authorization": f"Bearer {mine}"}).get("/agents/").status_code == 200


@pytest.mark.parametrize("by", ["link", "code", "token_hash"])
def test_who_made_the_account_is_not_asked(by: str, auth: SupabaseAuth, client: Client) -> None:
    sign_up(client, PASSWORD)
    confirm(client, auth, by)
    assert client.get("/agents/").status_code == 200
    assert sign_in(Client()).status_code == 302


def test_a_second_sign_up_of_ones_own_asks_which_password(auth: SupabaseAuth, client: Client) -> None:
    sign_up(client, PASSWORD)
    sign_up(client, NEW)
    confirm(client, auth, "code")
    assert client.get("/agents/").status_code == 302
    assert choose(client)["Location"] == "/agents/"
    assert sign_in(Client(), password=NEW).status_code == 302


def test_a_link_of_a_strangers_sign_up_alone_asks_too(auth: SupabaseAuth, client: Client) -> None:
    sign_up(Client(), STRANGERS)
    confirm(client, auth, "token_hash")
    assert client.get("/agents/")["Location"].startswith(CHOICE)


def test_a_stranger_may_sign_up_at_the_service_itself(auth: SupabaseAuth, client: Client) -> None:
    import httpx

    given = {"email": EMAIL, "password": STRANGERS, "data": {"agentforge_sign_up": "guessed"}}
    httpx.post(f"{auth.auth_url}/signup", json=given, headers={"apikey": auth.anon_key})
    sign_up(client, PASSWORD)
    confirm(client, auth, "link")
    assert client.get("/agents/")["Location"].startswith(CHOICE)


def test_a_sign_in_mail_to_an_unconfirmed_address_asks_too(auth: SupabaseAuth, client: Client) -> None:
    sign_up(Client(), STRANGERS)
    client.post("/accounts/mail/", {"email": EMAIL})
    confirm(client, auth, "link")
    assert client.get("/agents/")["Location"].startswith(CHOICE)


def test_confirmed_elsewhere_the_first_mail_asks(auth: SupabaseAuth, client: Client) -> None:
    """The owner followed the stranger's link, and the stranger signed in: the next mail shows who owns it."""
    sign_up(Client(), STRANGERS)
    follow(Client(), auth.mail_to(EMAIL).link)
    sign_in(Client(), password=STRANGERS)
    client.post("/accounts/mail/", {"email": EMAIL})
    follow(client, auth.mail_to(EMAIL).link)
    assert client.get("/agents/")["Location"].startswith(CHOICE)
    choose(client)
    assert client.get("/agents/").status_code == 200
    client.post("/sign-out/")
    client.post("/accounts/mail/", {"email": EMAIL})
    follow(client, auth.mail_to(EMAIL).link)
    assert client.get("/agents/").status_code == 200, "asked once"


def test_ones_own_password_may_be_kept(auth: SupabaseAuth, browser: Client) -> None:
    sign_in(Client())
    browser.post("/accounts/mail/", {"email": EMAIL})
    follow(browser, auth.mail_to(EMAIL).link)
    assert browser.get("/agents/")["Location"].startswith(CHOICE)
    assert choose(browser, PASSWORD)["Location"] == "/agents/"
    assert sign_in(Client()).status_code == 302


def test_an_invited_person_chooses_a_password(auth: SupabaseAuth, client: Client) -> None:
    sign_up(Client(), STRANGERS)
    token = auth.mail_to(EMAIL).token_hash
    client.post("/accounts/confirm/", {"token_hash": token, "type": "invite"})
    assert "Current password" not in words(client.get(CHOICE))
    assert choose(client)["Location"] == "/agents/"


def test_scripts_are_held_too(auth: SupabaseAuth) -> None:
    sign_up(Client(), STRANGERS)
    script = Client(enforce_csrf_checks=True)
    given = {"email": EMAIL, "code": auth.mail_to(EMAIL).code}
    tokens = script.post("/accounts/code/", given, "application/json", headers=JSON).json()["tokens"]
    headers = {**JSON, "Authorization": f"Bearer {tokens['access_token']}"}
    refused = script.get("/agents/", headers=headers)
    assert refused.status_code == 403
    assert "Choose the password" in refused.json()["detail"]
    chosen = script.post(CHOICE, {"password": NEW}, "application/json", headers=headers)
    assert chosen.status_code == 200, words(chosen)
    assert script.get("/agents/", headers=headers).status_code == 200


def recover(client: Client, auth: SupabaseAuth) -> None:
    client.post("/accounts/recovery/", {"email": EMAIL})
    assert follow(client, auth.mail_to(EMAIL).link)["Location"] == CHOICE


def test_recovery_goes_on_behind_the_second_factor(auth: SupabaseAuth, signed_in: Client) -> None:
    factor, secret = enrol(signed_in)
    signed_in.post("/sign-out/")
    recover(signed_in, auth)
    asked = signed_in.get(CHOICE)["Location"]
    assert urlsplit(asked).path == "/accounts/second-factor/"
    given = {"factor": factor, "code": code_at(secret), "next": CHOICE}
    assert signed_in.post("/accounts/second-factor/", given)["Location"] == CHOICE
    assert "Current password" not in words(signed_in.get(CHOICE))
    assert signed_in.post(CHOICE, {"password": NEW}).status_code == 302
    assert sign_in(Client(), password=NEW).status_code == 302
    assert signed_in.post(CHOICE, {"password": "a third passphrase"}).status_code == 422


def test_a_recovery_is_for_minutes(auth: SupabaseAuth, browser: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sign_in(browser)
        recover(browser, auth)
        clock.shift(timedelta(minutes=16))
        late = browser.post(CHOICE, {"password": NEW})
        assert late.status_code == 422
        assert "Enter your current password" in words(late)


def test_a_recovery_ends_with_its_session(auth: SupabaseAuth, browser: Client) -> None:
    recover(browser, auth)
    auth.account("bob@example.com", PASSWORD)
    browser.post("/sign-out/")
    sign_in(browser, "bob@example.com")
    assert User.objects.get(email="bob@example.com")
    assert browser.post(CHOICE, {"password": NEW}).status_code == 422
