"""A stranger does not use up for everybody what the identity service grants the forge's one address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import SignIn
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.limits import RequestLimits

from .supabase_browser import EMAIL, PASSWORD, is_signed_in, row, sign_in, words

pytestmark = pytest.mark.django_db
STRANGER = "198.51.100.66"


@pytest.fixture(autouse=True)
def limits(auth: SupabaseAuth) -> None:
    # A still clock: nothing is filled up again within a test.
    auth.limits = RequestLimits(lambda: 0.0)


def post_token(refresh_token: Any, address: str = STRANGER) -> Any:
    client = Client(REMOTE_ADDR=address)
    body = json.dumps({"refresh_token": refresh_token})
    return client.post("/accounts/token/", body, content_type="application/json")


def made_up(number: int) -> str:
    return f"abcdefgh{number:04d}"


def confirm(number: int) -> Any:
    given = {"token_hash": f"{number:056d}", "type": "magiclink"}
    return Client(REMOTE_ADDR=STRANGER).post("/accounts/confirm/", given)


def ask_for_mail(number: int) -> Any:
    given = {"email": f"nobody{number}@example.com"}
    return Client(REMOTE_ADDR=STRANGER).post("/accounts/recovery/", given)


def guess_password(number: int) -> Any:
    return sign_in(Client(REMOTE_ADDR=STRANGER), f"nobody{number}@example.com", "a guess")


def guess_code(number: int) -> Any:
    given = {"email": f"nobody{number}@example.com", "code": "123456"}
    return Client(REMOTE_ADDR=STRANGER).post("/accounts/code/", given)


def return_from_provider(number: int) -> Any:
    client = Client(REMOTE_ADDR=STRANGER)
    client.post("/accounts/with/github/")
    [state] = client.session["flows"]
    return client.get(f"/accounts/callback/?state={state}&code={number}", follow=True)


def post_made_up_token(number: int) -> Any:
    return post_token(made_up(number))


EVERY_WAY = [confirm, ask_for_mail, guess_password, guess_code, return_from_provider, post_made_up_token]


@pytest.mark.parametrize("ask", EVERY_WAY)
def test_a_stranger_stops_nobody(ask: Callable[[int], Any], auth: SupabaseAuth, signed_in: Client) -> None:
    answers = [ask(number) for number in range(45)]
    assert all(answer.status_code in (200, 302, 422, 429) for answer in answers)
    SignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert is_signed_in(signed_in)
    other = Client()
    assert sign_in(other).status_code == 302
    assert post_token(row(other).refresh_token, "192.0.2.7").status_code == 200
    assert "a mail is on its way" in words(other.post("/accounts/mail/", {"email": EMAIL}, follow=True))
    link = {"token_hash": auth.mail_to(EMAIL).token_hash, "type": "magiclink"}
    assert Client().post("/accounts/confirm/", link).status_code == 302


def test_a_stranger_is_told_to_wait(auth: SupabaseAuth, browser: Client) -> None:
    with time_machine.travel("2030-01-01 12:00Z", tick=False) as clock:
        answers = [post_token(made_up(number)) for number in range(20)]
        assert answers[0].status_code == 422
        assert answers[-1].status_code == 429
        assert answers[-1]["Content-Type"] == "application/problem+json"
        assert 0 < int(answers[-1]["Retry-After"]) <= 61
        assert post_token(made_up(99), "192.0.2.7").status_code == 422
        clock.shift(int(answers[-1]["Retry-After"]))
        assert post_token(made_up(100)).status_code == 422
        pages = [confirm(number) for number in range(20)]
        assert pages[-1].status_code == 429
        assert 0 < int(pages[-1]["Retry-After"]) <= 301
        assert "Too many attempts" in words(pages[-1])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ask", [post_made_up_token, confirm])
def test_requests_at_once_are_counted_too(
    ask: Callable[[int], Any], auth: SupabaseAuth, browser: Client
) -> None:
    def ask_and_close(number: int) -> int:
        try:
            return int(ask(number).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(ask_and_close, range(45)))
    assert statuses.count(422) == auth.requests.total() <= 15
    assert statuses.count(429) == 45 - statuses.count(422)


def test_good_tokens_count_for_nothing(auth: SupabaseAuth, browser: Client) -> None:
    auth.limits = None
    sign_in(browser)
    token = row(browser).refresh_token
    for _ in range(30):
        answer = post_token(token)
        assert answer.status_code == 200
        token = answer.json()["tokens"]["refresh_token"]


NO_TOKENS = ["x", "abcdefgh123", "abcdefgh12345", "ABCDEFGH1234", "abcdefgh12é4", "abcdefgh 234", "A.b" * 18]


@pytest.mark.parametrize("text", [*NO_TOKENS, "a" * 50, "a" * 63, "a" * 4000, "\uff41bcdefgh1234"])
def test_what_cannot_be_a_token_is_not_asked_for(text: str, auth: SupabaseAuth, browser: Client) -> None:
    answer = post_token(text)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["refresh_token"])
    assert not auth.requests


@pytest.mark.parametrize("text", ["abcdefgh1234", "A" * 51, "AbC-_9" * 9, "a" * 62])
def test_what_can_be_a_token_is_asked_for(text: str, auth: SupabaseAuth, browser: Client) -> None:
    assert post_token(text).status_code == 422
    assert auth.requests["POST /token"] == 1


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "17"}, "17"), ({}, "60")])
def test_a_limit_of_the_service_is_no_bad_token(
    header: dict[str, str], seconds: str, auth: SupabaseAuth, browser: Client
) -> None:
    auth.limited["/token"] = header
    answer = post_token(made_up(1))
    assert (answer.status_code, answer["Retry-After"]) == (429, seconds)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.fixture
def forwarding(auth: SupabaseAuth, settings: LazySettings) -> Iterator[None]:
    auth.believes_forwarded = settings.SUPABASE_FORWARD_ADDRESSES = True
    settings.SUPABASE_SERVICE_KEY = auth.secret_key
    yield


def test_forwarded_addresses_are_limited_apart(forwarding: None, auth: SupabaseAuth, browser: Client) -> None:
    auth.limits = RequestLimits(lambda: 0.0)
    for number in range(40):
        auth.account(f"p{number}@example.com", PASSWORD)
        person = Client(REMOTE_ADDR=f"203.0.113.{number}")
        assert sign_in(person, f"p{number}@example.com").status_code == 302
    assert {address for _, address in auth.limits._buckets} == {f"203.0.113.{number}" for number in range(40)}
    SignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert person.get("/agents/").status_code == 200


def test_without_it_the_secret_key_stays_here(
    auth: SupabaseAuth, browser: Client, settings: LazySettings
) -> None:
    settings.SUPABASE_SERVICE_KEY = "sb_secret_unknown_to_the_service"
    assert sign_in(browser).status_code == 302


def test_no_address_is_no_header(forwarding: None, auth: SupabaseAuth) -> None:
    auth.account(EMAIL, PASSWORD)
    settings_key = Client(REMOTE_ADDR="")
    assert sign_in(settings_key).status_code == 302
