"""Role and address follow the newest token; older ones, still valid, turn nothing back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import SignIn, User
from agentforge.audit.models import AuditEvent
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.state import Account

from .supabase_browser import EMAIL, PASSWORD, follow, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
OTHER, NEW = "bea@example.com", "alice@example.org"


@pytest.fixture(params=["at once", "later"])
def passing(request: pytest.FixtureRequest) -> float:
    """Seconds between two tokens: `iat` is in whole seconds."""
    return 0 if request.param == "at once" else 5


def script(access_token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {access_token}", "Accept": "text/html"})


def refresh(client: Client) -> None:
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=20))
    assert is_signed_in(client)


def account_of(auth: SupabaseAuth, email: str = EMAIL) -> Account:
    account = auth.state.by_email(email)
    assert account is not None
    return account


def changes(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def test_an_older_token_gives_no_role_back(auth: SupabaseAuth, browser: Client, passing: float) -> None:
    account = account_of(auth)
    account.app_metadata = {"agentforge_role": "operator"}
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sign_in(browser)
        older = row(browser).access_token
        assert script(older).get("/admin/").status_code == 200
        account.app_metadata = {"agentforge_role": "viewer"}
        clock.shift(passing)
        refresh(browser)
        recorded = changes("role-changed")
        for _ in range(2):
            script(older).get("/agents/")
            user = User.objects.get()
            assert (user.role, user.is_superuser) == ("viewer", False)
            assert browser.get("/agents/").status_code == 200
        assert changes("role-changed") == recorded


def test_an_older_token_takes_no_role_away(auth: SupabaseAuth, signed_in: Client, passing: float) -> None:
    older = row(signed_in).access_token
    account_of(auth).app_metadata = {"agentforge_role": "operator"}
    with time_machine.travel(timezone.now() + timedelta(seconds=passing), tick=False):
        refresh(signed_in)
        script(older).get("/agents/")
        assert User.objects.get().is_superuser


def test_an_older_token_takes_no_address_back(auth: SupabaseAuth, signed_in: Client, passing: float) -> None:
    older = row(signed_in).access_token
    account_of(auth).email = NEW
    with time_machine.travel(timezone.now() + timedelta(seconds=passing), tick=False):
        refresh(signed_in)
        auth.account(EMAIL, PASSWORD)
        newcomer = Client()
        sign_in(newcomer)
        recorded = changes("email-changed")
        script(older).get("/agents/")
        assert sorted(User.objects.values_list("email", flat=True)) == [EMAIL, NEW]
        assert User.objects.get(email=EMAIL).pk == row(newcomer).user_id
        assert changes("email-changed") == recorded


def test_an_old_token_of_somebody_unknown_takes_no_address(auth: SupabaseAuth, browser: Client) -> None:
    if not isinstance(auth, SupabaseAuth):
        pytest.skip("A real service has a clock of its own.")
    former = account_of(auth)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sign_in(browser)
        older = row(browser).access_token
        User.objects.all().delete()
        former.email = NEW
        clock.shift(5)
        auth.account(EMAIL, PASSWORD)
        newcomer = Client()
        sign_in(newcomer)
        assert script(older).get("/agents/").status_code == 200
        assert User.objects.get(email=EMAIL).pk == row(newcomer).user_id
        assert User.objects.get(pk=former.id).email == f"{former.id}@former.invalid"


def test_a_refresh_by_a_script_is_followed(auth: SupabaseAuth, signed_in: Client, passing: float) -> None:
    account_of(auth).app_metadata = {"agentforge_role": "viewer"}
    account_of(auth).email = NEW
    body = json.dumps({"refresh_token": row(signed_in).refresh_token})
    with time_machine.travel(timezone.now() + timedelta(seconds=passing), tick=False):
        answer = Client().post("/accounts/token/", body, content_type="application/json")
        assert answer.status_code == 200
        user = User.objects.get()
        assert (user.email, user.role) == (NEW, "viewer")
        assert script(answer.json()["tokens"]["access_token"]).get("/agents/").status_code == 200


def test_a_changed_address_is_followed_by_each_refresh(auth: SupabaseAuth, signed_in: Client) -> None:
    account_of(auth).email = NEW
    refresh(signed_in)
    assert User.objects.get().email == NEW
    assert NEW in words(signed_in.get("/accounts/"))
    assert changes("email-changed") == 1


def test_the_password_page_knows_the_current_address(auth: SupabaseAuth, signed_in: Client) -> None:
    account_of(auth).email = NEW
    given = {"current": PASSWORD, "password": "another good passphrase"}
    wrong = signed_in.post("/accounts/password/", {**given, "current": "wrong"})
    assert "The current password is not right" in words(wrong)
    answer = signed_in.post("/accounts/password/", given)
    assert answer.status_code == 302, words(answer)
    assert account_of(auth, NEW).password == given["password"]


@pytest.mark.parametrize("first", [0, 1])
def test_both_links_in_one_browser_change_the_address(
    first: int, auth: SupabaseAuth, signed_in: Client
) -> None:
    signed_in.post("/accounts/email/", {"email": NEW})
    mails = sorted(auth.state.inbox, key=lambda mail: mail.to)
    half_way = follow(signed_in, mails[first].link)
    assert half_way["Location"] == "/accounts/"
    assert "Now follow the link in the mail to your other address" in words(signed_in.get("/accounts/"))
    follow(signed_in, mails[1 - first].link)
    page = words(signed_in.get("/accounts/"))
    assert "Your e-mail address is changed." in page
    assert NEW in page
    assert User.objects.get().email == NEW


def test_a_half_way_link_can_be_followed_twice(auth: SupabaseAuth, signed_in: Client) -> None:
    signed_in.post("/accounts/email/", {"email": NEW})
    [state] = signed_in.session["flows"]
    half_way = f"/accounts/callback/?message=Confirmation+link+accepted&state={state}"
    answers: list[Any] = [signed_in.get(half_way) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == ["/accounts/"] * 2
    for mail in auth.state.inbox:
        follow(signed_in, mail.link)
    assert User.objects.get().email == NEW
