"""What holds when the identity service is slow, down, limits, or has other keys."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.utils import timezone

from agentforge.accounts.identity import identity_service
from agentforge.accounts.models import SignIn
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, claims, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db


def test_sign_in_says_plainly_that_the_service_is_down(auth: SupabaseAuth, browser: Client) -> None:
    auth.is_down = True
    page = sign_in(browser)
    assert page.status_code == 503
    assert "The identity service does not answer" in words(page)
    auth.is_down = False
    assert sign_in(browser).status_code == 302


def test_a_slow_service_is_not_waited_for(
    auth: SupabaseAuth, browser: Client, settings: LazySettings
) -> None:
    settings.SUPABASE_TIMEOUT = 0.2
    auth.hold = threading.Event()
    page = sign_in(browser)
    assert page.status_code == 503
    assert "does not answer" in words(page)


def test_verified_sessions_go_on_until_they_expire(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.stop()
    assert is_signed_in(signed_in)
    # Due for a refresh that can't be had, and still in force.
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert is_signed_in(signed_in)
    SignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert signed_in.get("/agents/").status_code == 503
    assert SignIn.objects.exists(), "nothing is lost: it can be refreshed when the service is back"


def test_browsers_get_a_page_in_an_outage_and_scripts_get_json(auth: SupabaseAuth, signed_in: Client) -> None:
    auth.stop()
    SignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    page = signed_in.get("/agents/", headers={"Accept": "text/html"})
    assert (page.status_code, page["Retry-After"]) == (503, "60")
    assert page["Content-Type"].startswith("text/html")
    assert "The identity service does not answer" in words(page)
    answer = signed_in.get("/agents/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")


def test_a_service_that_hangs_is_waited_for_once(
    auth: SupabaseAuth, signed_in: Client, settings: LazySettings
) -> None:
    settings.SUPABASE_TIMEOUT = 0.2
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    auth.requests.clear()
    auth.hold = threading.Event()
    assert all(is_signed_in(signed_in) for _ in range(5))
    assert auth.requests["POST /token"] == 1


def test_sign_out_works_without_the_service(auth: SupabaseAuth, signed_in: Client) -> None:
    bearer = row(signed_in).access_token
    auth.stop()
    answer = signed_in.post("/sign-out/", follow=True)
    assert "The identity service did not answer" in words(answer)
    assert not is_signed_in(signed_in)
    assert Client(headers={"Authorization": f"Bearer {bearer}"}).get("/agents/").status_code == 401


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "17"}, "17"), ({}, "60")])
def test_limits_are_passed_on(
    header: dict[str, str], seconds: str, auth: SupabaseAuth, browser: Client
) -> None:
    auth.limited["/token"] = header
    page = sign_in(browser)
    assert (page.status_code, page["Retry-After"]) == (429, seconds)


def test_guesses_are_counted_here_too(auth: SupabaseAuth, browser: Client) -> None:
    statuses = [sign_in(browser, password="wrong").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    assert auth.requests["POST /token"] == 10


def test_unknown_and_known_addresses_are_refused_alike(auth: SupabaseAuth, browser: Client) -> None:
    pages = [words(sign_in(Client(), email, "wrong password")) for email in (EMAIL, "no@example.com")]
    assert all("The e-mail address or the password is not right" in page for page in pages)


def test_a_revoked_session_ends_at_its_refresh(auth: SupabaseAuth, signed_in: Client) -> None:
    [account] = auth.state.accounts.values()
    auth.state.end_sessions(account)
    assert is_signed_in(signed_in)
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert not is_signed_in(signed_in)


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_at_once_refresh_once(auth: SupabaseAuth, signed_in: Client) -> None:
    cookie = signed_in.cookies["sessionid"].value
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    auth.requests.clear()

    def ask(number: int) -> bool:
        one = Client()
        one.cookies["sessionid"] = cookie
        try:
            return is_signed_in(one)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as threads:
        assert all(threads.map(ask, range(50)))
    assert auth.requests["POST /token"] == auth.rotations == 1
    assert is_signed_in(signed_in)


def test_a_refresh_whose_answer_was_lost_signs_nobody_out(auth: SupabaseAuth, signed_in: Client) -> None:
    spent = row(signed_in).refresh_token
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert is_signed_in(signed_in)
    SignIn.objects.update(refresh_token=spent, expires_at=timezone.now() + timedelta(seconds=30))
    assert is_signed_in(signed_in)


def test_rotated_keys_are_fetched(
    auth: SupabaseAuth, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth.keys.rotate()
    other, reads = Client(), auth.jwks_reads
    assert sign_in(other).status_code == 503, "unknown keys are asked for with a pause only"
    assert auth.jwks_reads == reads
    monkeypatch.setattr(identity_service().keys, "_pause", 0)
    assert sign_in(other).status_code == 302
    assert is_signed_in(other)
    assert is_signed_in(signed_in)
    assert auth.jwks_reads == reads + 1


def test_a_publishable_key_will_do(auth: SupabaseAuth, browser: Client, settings: LazySettings) -> None:
    settings.SUPABASE_ANON_KEY = auth.publishable_key
    assert sign_in(browser).status_code == 302


def test_a_wrong_key_is_an_operators_matter(
    auth: SupabaseAuth, browser: Client, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SUPABASE_ANON_KEY = "of another project"
    page = sign_in(browser)
    assert page.status_code == 422
    assert "An operator can see why" in words(page)
    assert "status 401" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_wrong_issuer_signs_nobody_in(auth: SupabaseAuth, browser: Client, settings: LazySettings) -> None:
    settings.SUPABASE_JWT_ISSUER = "https://id.example.com/auth/v1"
    page = sign_in(browser)
    assert page.status_code == 503
    assert not is_signed_in(browser)


def test_legacy_secrets_count_when_configured(
    auth: SupabaseAuth, browser: Client, settings: LazySettings
) -> None:
    auth.keys.shared_secret = "a legacy secret of at least 32 bytes"
    assert sign_in(browser).status_code == 503
    settings.SUPABASE_JWT_SECRET = auth.keys.shared_secret
    assert sign_in(browser).status_code == 302
    assert is_signed_in(browser)
    good = claims(browser)
    for secret in ("", "another secret of at least 32 bytes!!"):
        forged = jwt.encode(good, secret or "0" * 32, algorithm="HS256")
        headers = {"Authorization": f"Bearer {forged}"}
        assert Client(headers=headers).get("/agents/").status_code == 401
