"""What a real project has to do too: point SUPABASE_TEST_URL and SUPABASE_TEST_ANON_KEY at one.

It must take sign-ups without confirmation (`supabase start` does). Without the variables the stand-in serves.
Each run leaves one or two users named forge-…@example.com behind.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import SignIn, User
from tests.standins.supabase_auth import SupabaseAuth, code_at

from .supabase_browser import PASSWORD, claims, enrol, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
URL, KEY = os.environ.get("SUPABASE_TEST_URL", ""), os.environ.get("SUPABASE_TEST_ANON_KEY", "")


@pytest.fixture
def project(settings: LazySettings) -> Iterator[None]:
    stand_in = None if URL else SupabaseAuth().start()
    settings.SUPABASE_URL = stand_in.url if stand_in else URL.rstrip("/")
    settings.SUPABASE_ANON_KEY = stand_in.publishable_key if stand_in else KEY
    if stand_in:
        stand_in.autoconfirm = True
    known = httpx.get(
        f"{settings.SUPABASE_URL}/auth/v1/settings", headers={"apikey": settings.SUPABASE_ANON_KEY}
    )
    if not known.json()["mailer_autoconfirm"]:
        pytest.skip("The project has to take sign-ups without confirmation.")
    yield
    if stand_in:
        stand_in.stop()


@pytest.fixture
def email(project: None) -> str:
    return f"forge-{uuid.uuid4().hex[:12]}@example.com"


@pytest.fixture
def member(email: str) -> Client:
    client = Client()
    answer = client.post("/sign-up/?next=/healthz", {"email": email, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/healthz"), words(answer)
    return client


def test_sign_up_in_and_out(member: Client, email: str) -> None:
    assert claims(member)["email"] == User.objects.get().email == email
    bearer = {"Authorization": f"Bearer {row(member).access_token}"}
    assert Client(headers=bearer).get("/agents/").status_code == 200
    member.post("/sign-out/")
    assert not is_signed_in(member)
    assert Client(headers=bearer).get("/agents/").status_code == 401
    assert sign_in(member, email, "not the password").status_code == 422
    assert sign_in(member, email).status_code == 302


def test_a_session_is_refreshed(member: Client) -> None:
    before = row(member).refresh_token
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert is_signed_in(member)
    assert row(member).refresh_token != before
    # The one before is still good for who did not get the answer.
    SignIn.objects.update(refresh_token=before, expires_at=timezone.now() + timedelta(seconds=30))
    assert is_signed_in(member)


def test_a_spent_session_is_over(member: Client) -> None:
    SignIn.objects.update(refresh_token="made up here", expires_at=timezone.now() + timedelta(seconds=30))
    assert not is_signed_in(member)


def test_a_password_is_changed(member: Client, email: str) -> None:
    given = {"current": PASSWORD, "password": "another good passphrase"}
    assert member.post("/accounts/password/", {**given, "current": "wrong"}).status_code == 422
    answer = member.post("/accounts/password/", given)
    assert answer.status_code == 302, words(answer)
    assert is_signed_in(member)
    assert sign_in(Client(), email).status_code == 422
    assert sign_in(Client(), email, "another good passphrase").status_code == 302


def test_a_second_factor(member: Client, email: str) -> None:
    _, secret = enrol(member)
    assert claims(member)["aal"] == "aal2"
    other = Client()
    sign_in(other, email)
    assert other.get("/accounts/password/")["Location"].startswith("/accounts/second-factor/")
    factor = other.get("/accounts/second-factor/").context["form"]["factor"].value()
    answer = other.post("/accounts/second-factor/", {"factor": factor, "code": code_at(secret)})
    assert answer.status_code == 302, words(answer)
    assert other.post(f"/accounts/second-factor/{factor}/remove/").status_code == 302
    assert not User.objects.get().has_second_factor


def test_mails_tell_nothing_of_who_has_an_account(project: None) -> None:
    answer = Client().post("/accounts/recovery/", {"email": "nobody-of-the-forge@example.com"}, follow=True)
    assert "a mail is on its way" in words(answer)


def test_a_made_up_link_is_refused(project: None) -> None:
    answer = Client().post("/accounts/confirm/", {"token_hash": "0" * 56, "type": "magiclink"})
    assert answer.status_code == 422
    assert "no longer valid" in words(answer)
