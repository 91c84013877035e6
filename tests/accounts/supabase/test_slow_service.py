"""A slow identity service takes neither the database's connections nor other people's time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import FailedAttempts, SignIn
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, is_signed_in, row, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
MORE_THAN_THE_POOL = 20


@pytest.fixture(autouse=True)
def patience(settings: LazySettings) -> None:
    settings.SUPABASE_TIMEOUT = 90.0


@contextmanager
def held(auth: SupabaseAuth, count: int, ask: Callable[[int], Any]) -> Iterator[list[Any]]:
    """Run the block while that many requests wait at the service; their results are there afterwards."""
    auth.hold = threading.Event()
    results: list[Any] = []

    def call(number: int) -> None:
        try:
            results.append(ask(number))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        for number in range(count):
            threads.submit(call, number)
        try:
            assert all(auth.arrivals.acquire(timeout=60) for _ in range(count))
            yield results
        finally:
            auth.hold.set()
    auth.hold = None


def test_sign_ins_at_a_slow_service_take_no_connections(auth: SupabaseAuth, signed_in: Client) -> None:
    pool_size = connection.settings_dict["OPTIONS"]["pool"]["max_size"]
    assert pool_size < MORE_THAN_THE_POOL
    for number in range(MORE_THAN_THE_POOL):
        auth.account(f"p{number}@example.com", PASSWORD)

    def enter(number: int) -> int:
        return int(sign_in(Client(), f"p{number}@example.com").status_code)

    with held(auth, MORE_THAN_THE_POOL, enter) as statuses:
        assert signed_in.get("/agents/").status_code == 200
        assert is_signed_in(signed_in)
    assert statuses == [302] * MORE_THAN_THE_POOL


@pytest.mark.parametrize("path", ["/accounts/mail/", "/accounts/recovery/", "/sign-up/"])
def test_mails_at_a_slow_service_take_no_connections(
    path: str, auth: SupabaseAuth, signed_in: Client
) -> None:
    def ask(number: int) -> int:
        given = {"email": f"p{number}@example.com", "password": PASSWORD}
        return int(Client().post(path, given).status_code)

    with held(auth, MORE_THAN_THE_POOL, ask) as statuses:
        assert signed_in.get("/agents/").status_code == 200
    assert statuses == [302] * MORE_THAN_THE_POOL


def test_a_dozen_sign_ins_of_one_person_at_once_succeed(auth: SupabaseAuth, browser: Client) -> None:
    def enter(number: int) -> int:
        try:
            return int(sign_in(Client()).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(15) as threads:
        assert list(threads.map(enter, range(15))) == [302] * 15
    assert not FailedAttempts.objects.exclude(subject__endswith=" attempts").exists()


def test_simultaneous_guesses_are_all_counted(auth: SupabaseAuth, browser: Client) -> None:
    def guess(number: int) -> int:
        try:
            return int(sign_in(Client(), EMAIL, f"guess {number}").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(15) as threads:
        assert sorted(threads.map(guess, range(15))) == [422] * 10 + [429] * 5
    assert auth.requests["POST /token"] == 10


def test_an_outage_counts_no_attempts(auth: SupabaseAuth, browser: Client) -> None:
    auth.is_down = True
    assert [sign_in(browser).status_code for _ in range(12)] == [503] * 12
    auth.is_down = False
    assert sign_in(browser).status_code == 302


def due(auth: SupabaseAuth, seconds: int, count: int = 1) -> list[Client]:
    """Return signed-in browsers whose tokens expire in that many seconds."""
    clients = [Client() for _ in range(count)]
    for number, client in enumerate(clients):
        auth.account(f"due{number}@example.com", PASSWORD)
        assert sign_in(client, f"due{number}@example.com").status_code == 302
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=seconds))
    return clients


def open_and_close(client: Client, path: str = "/agents/") -> int:
    try:
        return int(client.get(path).status_code)
    finally:
        connections.close_all()


def test_tokens_in_force_do_not_wait_for_a_slow_refresh(auth: SupabaseAuth) -> None:
    [client] = due(auth, 40)
    before = row(client)
    auth.hold = threading.Event()
    begun = time.monotonic()
    assert client.get("/agents/").status_code == 200
    assert client.get("/agents/").status_code == 200
    assert time.monotonic() - begun < 30, "as long as the service, each page would wait for 90 seconds"
    assert auth.requests["POST /token"] == 2, "the sign-in and one refresh"
    assert row(client).access_token == before.access_token
    auth.hold.set()
    deadline = time.monotonic() + 60
    while row(client).access_token == before.access_token and time.monotonic() < deadline:
        connections.close_all()
    assert row(client).refresh_token != before.refresh_token
    assert auth.rotations == 1
    assert client.get("/agents/").status_code == 200
    assert auth.rotations == 1


def test_due_refreshes_at_a_slow_service_take_no_connections(auth: SupabaseAuth, signed_in: Client) -> None:
    clients = due(auth, -1, MORE_THAN_THE_POOL)
    SignIn.objects.filter(user__email=EMAIL).update(expires_at=timezone.now() + timedelta(hours=1))
    with held(auth, MORE_THAN_THE_POOL, lambda number: open_and_close(clients[number])) as statuses:
        assert signed_in.get("/agents/").status_code == 200
    assert statuses == [200] * MORE_THAN_THE_POOL


def test_requests_with_an_expired_token_share_one_refresh(auth: SupabaseAuth) -> None:
    [client] = due(auth, -1)
    cookie = client.cookies["sessionid"].value

    def ask(number: int) -> int:
        return open_and_close(Client(headers={"Cookie": f"sessionid={cookie}"}))

    with ThreadPoolExecutor(MORE_THAN_THE_POOL) as threads:
        assert list(threads.map(ask, range(30))) == [200] * 30
    assert auth.rotations == 1


def test_another_process_waits_for_the_refresh_of_an_expired_token(auth: SupabaseAuth) -> None:
    [client] = due(auth, -1)
    # As if another process had claimed it and never came back.
    SignIn.objects.update(refreshing_until=timezone.now() + timedelta(seconds=0.5))
    assert client.get("/agents/").status_code == 200
    assert auth.rotations == 1


def test_a_sign_out_during_a_refresh_holds(auth: SupabaseAuth) -> None:
    [client] = due(auth, -1)
    cookie = client.cookies["sessionid"].value
    with held(
        auth, 1, lambda _: open_and_close(Client(headers={"Cookie": f"sessionid={cookie}"}))
    ) as statuses:
        SignIn.objects.all().delete()
    assert statuses == [302]
    assert not SignIn.objects.exists()


def test_short_lived_tokens_are_not_refreshed_by_each_request(auth: SupabaseAuth, browser: Client) -> None:
    auth.access_life = 45
    assert sign_in(browser).status_code == 302
    assert all(is_signed_in(browser) for _ in range(5))
    assert auth.rotations == 0
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=10))
    assert is_signed_in(browser)
    assert auth.rotations == 1
