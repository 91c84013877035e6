"""A visit as a guest where Supabase holds the accounts: in by an anonymous user, out by an address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from django.db.models import F
from django.test import Client
from django.utils import timezone

from agentforge.accounts import guests
from agentforge.accounts.identity.guest_policy import GuestPolicy
from agentforge.accounts.models import SignIn, User
from agentforge.accounts.sessions import authentication
from configs.models import AgentConfig
from tests.drivers.pages import shown
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, claims, follow, row, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def welcome(auth: SupabaseAuth, settings: LazySettings) -> None:
    auth.anonymous_users = True
    settings.GUEST_MINUTES, settings.MOST_GUESTS, settings.MOST_GUESTS_PER_ADDRESS = 60, 6, 3


@pytest.fixture
def guest(auth: SupabaseAuth) -> Client:
    client = Client()
    assert client.post("/accounts/guest/").status_code == 302
    answer = client.post("/agents/new/", {"name": "Ada", "version": "0.1.0", "type": "assistant"})
    assert answer.status_code == 302
    return client


def later(minutes: int) -> None:
    """Let minutes of all visits pass: a real project's clock can't be moved."""
    passed = timedelta(minutes=minutes)
    present = User.objects.filter(guest_until__isnull=False)
    present.update(guest_until=F("guest_until") - passed, created_at=F("created_at") - passed)


def sign_up(client: Client, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return client.post("/sign-up/", {"email": email, "password": password, "next": "/agents/"}, follow=True)


def has_everything(client: Client) -> bool:
    page = shown(client.get("/agents/"))
    return "Ada" in page and "You are a guest" not in page


def user_of(client: Client) -> User:
    return SignIn.objects.get(pk=client.session["sign_in"]).user


def test_one_press_opens_a_forge_of_ones_own(guest: Client, client: Client) -> None:
    assert "Try it without an account" in shown(client.get("/"))
    page = shown(guest.get("/agents/"))
    assert "You are a guest" in page
    assert "Ada" in page
    assert claims(guest)["is_anonymous"] is True
    assert "@" not in page.split("<main", 1)[0].replace("@media", "")


def test_signing_up_keeps_everything_once_the_mail_is_confirmed(guest: Client, auth: SupabaseAuth) -> None:
    before = user_of(guest).pk
    page = shown(sign_up(guest))
    assert f"We sent a mail to {EMAIL}" in page
    assert "You are a guest" in page
    answer = follow(guest, auth.mail_to(EMAIL).link)
    assert answer["Location"] == "/agents/"
    page = shown(guest.get("/agents/"))
    assert "with everything you made" in page
    assert has_everything(guest)
    user = User.objects.get(email=EMAIL)
    assert (user.pk, user.guest_until, user.guest_address) == (before, None, "")
    again = Client()
    assert sign_in(again).status_code == 302
    assert has_everything(again)


def test_a_link_with_the_hash_keeps_everything_too(guest: Client, auth: SupabaseAuth) -> None:
    sign_up(guest)
    given = {"token_hash": auth.mail_to(EMAIL).token_hash, "type": "email_change"}
    answer = guest.post("/accounts/confirm/", given)
    assert answer["Location"] == "/agents/"
    assert "with everything you made" in shown(guest.get("/agents/"))
    assert has_everything(guest)


def test_a_project_without_confirmation_keeps_everything_at_once(guest: Client, auth: SupabaseAuth) -> None:
    auth.autoconfirm = True
    old = row(guest).access_token
    assert "with everything you made" in shown(sign_up(guest))
    assert has_everything(guest)
    assert claims(guest)["is_anonymous"] is False
    assert len(auth.state.sessions) == 1, "the guest's session ended there"
    # The token of the visit turns nothing back.
    Client(headers={"Authorization": f"Bearer {old}"}).get("/agents/")
    assert User.objects.get().email == EMAIL
    assert has_everything(guest)


def test_a_mistyped_address_is_corrected_with_the_same_password(guest: Client, auth: SupabaseAuth) -> None:
    sign_up(guest, "mistyped@example.com")
    assert f"We sent a mail to {EMAIL}" in shown(sign_up(guest))
    follow(guest, auth.mail_to(EMAIL).link)
    assert has_everything(guest)
    assert sign_in(Client()).status_code == 302


def test_nobody_learns_who_has_an_account(guest: Client, auth: SupabaseAuth) -> None:
    auth.account("taken@example.com", "correct horse battery")
    mails = len(auth.state.inbox)
    assert "We sent a mail to taken@example.com" in shown(sign_up(guest, "taken@example.com"))
    assert len(auth.state.inbox) == mails
    assert user_of(guest).is_guest
    assert "Ada" in shown(guest.get("/agents/"))


def test_a_taken_address_is_named_where_sign_ups_name_it_too(guest: Client, auth: SupabaseAuth) -> None:
    auth.autoconfirm = True
    auth.account("taken@example.com", "correct horse battery")
    assert "has an account already" in shown(sign_up(guest, "taken@example.com"))
    assert user_of(guest).is_guest


def test_who_confirms_a_strangers_visit_chooses_its_password(guest: Client, auth: SupabaseAuth) -> None:
    sign_up(guest)
    owner = Client()
    owner.post("/accounts/confirm/", {"token_hash": auth.mail_to(EMAIL).token_hash, "type": "email_change"})
    assert owner.get("/agents/")["Location"].startswith("/accounts/password/")
    owner.post("/accounts/password/", {"password": "another good passphrase"})
    assert owner.get("/agents/").status_code == 200
    assert guest.get("/agents/").status_code == 302, "the stranger is out"
    assert sign_in(Client()).status_code == 422


def test_a_provider_keeps_everything(guest: Client, auth: SupabaseAuth) -> None:
    before = user_of(guest).pk
    assert 'name="keep"' in shown(guest.get("/sign-up/"))
    page = guest.post("/accounts/with/github/", {"keep": "1", "next": "/agents/"})
    assert follow(guest, page.context["url"])["Location"] == "/agents/"
    assert "with everything you made" in shown(guest.get("/agents/"))
    assert has_everything(guest)
    assert User.objects.get(email="octo@example.com").pk == before


def test_a_project_without_linking_says_how_to_keep_it(guest: Client, auth: SupabaseAuth) -> None:
    auth.manual_linking = False
    page = shown(guest.post("/accounts/with/github/", {"keep": "1"}, follow=True))
    assert "Sign up with an address and a password instead" in page
    assert "Create account" in page
    assert user_of(guest).is_guest


def offers_guests() -> bool:
    """Return whether the start page offers a visit."""
    page = shown(Client().get("/"))
    return "Try it without an account" in page or "Without an account, everything" in page


@pytest.mark.parametrize("forbids", ["anonymous_users", "sign_ups"])
def test_a_project_that_makes_no_guests_is_offered_none(
    auth: SupabaseAuth, client: Client, forbids: str
) -> None:
    auth.anonymous_users = forbids != "anonymous_users"
    auth.sign_up_disabled = forbids == "sign_ups"
    assert not offers_guests()
    assert "Sign in" in shown(client.get("/"))
    # Whoever has the page of a minute ago still reads why.
    page = shown(client.post("/accounts/guest/", follow=True))
    assert "takes no guests at present" in page or "Sign-up is closed here" in page


def test_a_project_is_asked_once_a_minute_and_after_it_refused_one(
    auth: SupabaseAuth, client: Client
) -> None:
    assert offers_guests()
    for _ in range(3):
        client.get("/")
    assert auth.requests["GET /settings"] == 1
    auth.anonymous_users = False
    client.post("/accounts/guest/", follow=True)
    assert not offers_guests()


def test_what_a_project_allows_now_is_seen_after_a_minute() -> None:
    now, external = 100.0, {"anonymous_users": False}
    policy = GuestPolicy(lambda: {"external": external}, clock=lambda: now)
    assert not policy.allows()
    external["anonymous_users"] = True
    assert not policy.allows()
    now += 61
    assert policy.allows()


def test_a_project_that_does_not_answer_offers_nothing_and_holds_nobody_up(
    auth: SupabaseAuth, client: Client
) -> None:
    auth.is_down = True
    for _ in range(3):
        assert not offers_guests()
    assert auth.requests["GET /settings"] == 1, "it is left alone for a moment"


def test_a_project_without_anonymous_users_is_named_and_sign_up_offered(
    client: Client, auth: SupabaseAuth
) -> None:
    auth.anonymous_users = False
    page = shown(client.post("/accounts/guest/?next=/agents/", follow=True))
    assert "takes no guests at present" in page
    assert "Create account" in page
    assert not User.objects.exists(), "no place is taken"


def test_a_crowd_finds_only_so_many_places(auth: SupabaseAuth) -> None:
    answers = [Client().post("/accounts/guest/").status_code for _ in range(5)]
    assert answers == [302] * 3 + [429] * 2
    assert auth.requests["POST /signup"] == 3, "who finds none costs the project nothing"


def test_anonymous_users_of_elsewhere_are_no_guests(auth: SupabaseAuth) -> None:
    with httpx.Client(trust_env=False, headers={"apikey": auth.anon_key}) as elsewhere:
        token = elsewhere.post(f"{auth.auth_url}/signup", json={}).json()["access_token"]
    bearer = Client(headers={"Authorization": f"Bearer {token}"})
    assert bearer.get("/agents/").status_code == 401
    assert not User.objects.exists()


def test_when_the_time_is_over_everything_goes(
    guest: Client, auth: SupabaseAuth, settings: LazySettings
) -> None:
    settings.SUPABASE_SERVICE_KEY = auth.secret_key
    principal = authentication.by_session(guest.session)
    assert principal is not None
    until = principal.user.guest_until
    assert until is not None
    assert principal.claims["exp"] <= until.timestamp(), "streams end with the visit"
    bearer = Client(headers={"Authorization": f"Bearer {row(guest).access_token}"})
    later(59)
    assert guest.get("/agents/").status_code == 200
    later(2)
    assert bearer.get("/agents/").status_code == 401
    assert guest.get("/agents/").status_code == 302
    assert "Your visit as a guest is over" in shown(guest.get("/sign-in/"))
    assert guests.remove_ended(timezone.now()) == 1
    for rows in (User, AgentConfig, SignIn):
        assert not rows.objects.exists(), rows
    assert not auth.state.accounts, "the project keeps nobody"


def test_without_a_secret_key_the_project_keeps_an_empty_user(guest: Client, auth: SupabaseAuth) -> None:
    later(61)
    assert guests.remove_ended(timezone.now()) == 1
    assert not User.objects.exists()
    assert not [request for request in auth.requests if "/admin/" in request]


def test_a_mailed_link_finds_everything_after_the_visit(guest: Client, auth: SupabaseAuth) -> None:
    later(55)
    sign_up(guest)
    later(20)
    assert guests.remove_ended(timezone.now()) == 0
    follow(guest, auth.mail_to(EMAIL).link)
    assert has_everything(guest)


def test_who_confirmed_elsewhere_and_never_came_back_keeps_everything(
    guest: Client, auth: SupabaseAuth
) -> None:
    sign_up(guest)
    follow(Client(), auth.mail_to(EMAIL).link)
    later(125)
    assert guests.remove_ended(timezone.now()) == 0
    back = Client()
    sign_in(back)
    assert has_everything(back)


def test_a_service_that_is_away_removes_nobody(guest: Client, auth: SupabaseAuth) -> None:
    later(61)
    auth.is_down = True
    assert guests.remove_ended(timezone.now()) == 0
    assert User.objects.exists()
