"""A second factor that was enrolled or removed elsewhere counts at once where it is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import SignIn, User
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.state import Account, Factor

from .supabase_browser import claims, enrol, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
FACTOR = "/accounts/second-factor/"


def account_of(auth: SupabaseAuth) -> Account:
    [account] = auth.state.accounts.values()
    return account


def enrol_elsewhere(auth: SupabaseAuth) -> None:
    factor = Factor("JBSWY3DPEHPK3PXP", "phone of another app", status="verified")
    account_of(auth).factors[factor.id] = factor


def script(client: Client) -> Client:
    bearer = f"Bearer {row(client).access_token}"
    return Client(headers={"Authorization": bearer, "Accept": "application/json"})


def test_a_factor_enrolled_elsewhere_is_asked_for(auth: SupabaseAuth, signed_in: Client) -> None:
    program = script(signed_in)
    assert program.get("/keys/").status_code == 200
    enrol_elsewhere(auth)
    refused = program.get("/keys/")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    assert "second factor" in refused.json()["detail"]
    assert signed_in.get("/keys/")["Location"] == f"{FACTOR}?next=/keys/"
    assert signed_in.get("/agents/").status_code == 200
    assert User.objects.get().has_second_factor


def test_a_factor_removed_elsewhere_is_not_asked_for(auth: SupabaseAuth, signed_in: Client) -> None:
    enrol(signed_in)
    other = Client()
    sign_in(other)
    assert other.get("/keys/").status_code == 302
    account_of(auth).factors.clear()
    assert other.get("/keys/").status_code == 200
    assert not User.objects.get().has_second_factor


def test_a_passed_factor_asks_nobody(auth: SupabaseAuth, signed_in: Client) -> None:
    enrol(signed_in)
    auth.requests.clear()
    assert claims(signed_in)["aal"] == "aal2"
    assert signed_in.get("/keys/").status_code == 200
    assert not auth.requests


def end_sessions(auth: SupabaseAuth) -> None:
    auth.state.end_sessions(account_of(auth))


def ban(auth: SupabaseAuth) -> None:
    account_of(auth).banned = True


def delete(auth: SupabaseAuth) -> None:
    auth.state.accounts.clear()


@pytest.mark.parametrize(
    ("end", "reason"), [(end_sessions, "has ended"), (ban, "is disabled"), (delete, "has ended")]
)
def test_a_session_that_ended_elsewhere_ends_where_it_matters(
    end: Callable[[SupabaseAuth], None], reason: str, auth: SupabaseAuth, signed_in: Client
) -> None:
    program = script(signed_in)
    end(auth)
    refused = program.get("/keys/")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert reason in refused.json()["detail"]
    assert program.get("/agents/").status_code == 401
    assert not is_signed_in(signed_in)


def test_a_browser_is_told_why_it_has_to_sign_in(auth: SupabaseAuth, signed_in: Client) -> None:
    ban(auth)
    answer = signed_in.get("/keys/")
    assert answer["Location"] == "/sign-in/?next=/keys/"
    assert "This account is disabled" in words(signed_in.get(answer["Location"]))
    assert not SignIn.objects.exists()


def test_what_is_known_counts_in_an_outage(auth: SupabaseAuth, signed_in: Client) -> None:
    enrol_elsewhere(auth)
    auth.stop()
    assert signed_in.get("/keys/").status_code == 200
    User.objects.update(has_second_factor=True)
    assert signed_in.get("/keys/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_slow_answer_counts_for_the_next_page(
    auth: SupabaseAuth, signed_in: Client, settings: LazySettings
) -> None:
    settings.SUPABASE_TIMEOUT = 90.0
    enrol_elsewhere(auth)
    auth.hold = threading.Event()
    begun = time.monotonic()
    assert signed_in.get("/keys/").status_code == 200
    assert time.monotonic() - begun < 30, "as long as the service, the page would wait for 90 seconds"
    auth.hold.set()
    deadline = time.monotonic() + 60
    while not User.objects.get().has_second_factor:
        assert time.monotonic() < deadline
    assert signed_in.get("/keys/").status_code == 302
