"""A slow identity service takes neither the database's connections nor other people's time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.test import Client

from agentforge.accounts.models import FailedAttempts
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, is_signed_in, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
MORE_THAN_THE_POOL = 20


@pytest.fixture(autouse=True)
def patience(settings: LazySettings) -> None:
    settings.SUPABASE_TIMEOUT = 30.0


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
            assert all(auth.arrivals.acquire(timeout=20) for _ in range(count))
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
    assert not FailedAttempts.objects.exists()


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
