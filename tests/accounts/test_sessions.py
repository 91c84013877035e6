from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from agentforge.accounts.errors import SessionEnded
from agentforge.accounts.identity.local import REUSE_INTERVAL, LocalIdentityService
from agentforge.accounts.models import LocalSession, SignIn, User
from tests.drivers import people

ClientOf = Callable[[User], Client]

# A page that only signed-in people see, and what everybody else gets.
PAGE = "/sign-in/?next=/healthz"


def is_signed_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 302


def test_a_token_about_to_expire_is_exchanged(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    before = SignIn.objects.get()
    with time_machine.travel(before.expires_at - timedelta(seconds=59)):
        assert is_signed_in(client)
        after = SignIn.objects.get()
        assert after.access_token != before.access_token
        assert after.expires_at > before.expires_at
        assert is_signed_in(client)
        assert SignIn.objects.get().access_token == after.access_token


def test_a_browser_that_comes_back_later_is_still_signed_in(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        assert is_signed_in(client)


def test_a_session_ends_after_its_life(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    LocalSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not is_signed_in(client)


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_at_once_refresh_once(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    cookie = client.cookies["sessionid"].value
    # A token of this very moment that is about to expire, as far as the forge can see.
    SignIn.objects.update(expires_at=timezone.now() + timedelta(seconds=30))

    def ask(number: int) -> bool:
        one = Client()
        one.cookies["sessionid"] = cookie
        try:
            return is_signed_in(one)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as threads:
        assert all(threads.map(ask, range(50)))
    assert LocalSession.objects.get().generation == 2


def test_a_lost_race_gets_the_same_successor(alice: User) -> None:
    service = LocalIdentityService()
    first = people.tokens_of(alice)
    winner = service.refresh(first.refresh_token)
    loser = service.refresh(first.refresh_token)
    assert winner.refresh_token == loser.refresh_token
    assert LocalSession.objects.get().generation == 2


@pytest.mark.parametrize("spent_by", [1, 2])
def test_a_stolen_refresh_token_ends_the_family(alice: User, spent_by: int) -> None:
    service = LocalIdentityService()
    stolen = current = people.tokens_of(alice)
    for _ in range(spent_by):
        current = service.refresh(current.refresh_token)
    later = timezone.now() + (REUSE_INTERVAL + timedelta(seconds=1) if spent_by == 1 else timedelta(0))
    with time_machine.travel(later), pytest.raises(SessionEnded):
        service.refresh(stolen.refresh_token)
    with pytest.raises(SessionEnded):
        service.refresh(current.refresh_token)
    assert not LocalSession.objects.exists()


def test_made_up_refresh_tokens_end_nobodys_session(alice: User) -> None:
    service = LocalIdentityService()
    good = people.tokens_of(alice).refresh_token
    session, generation, mac = good.split(".")
    for token in (
        "",
        "x",
        f"{session}.0.{mac}",
        f"{session}.{generation}.{'0' * 64}",
        f"{session}.{generation}.{mac.upper()}",
        f"{session}.{generation}",
        f"{session}.٣.{mac}",
        f"{good}.x",
        "." * 5000,
    ):
        with pytest.raises(SessionEnded):
            service.refresh(token)
    assert service.refresh(good)


def test_a_revoked_session_ends_at_once(client_of: ClientOf, alice: User) -> None:
    client, bearer = client_of(alice), people.bearer_of(alice)
    LocalSession.objects.all().delete()
    assert not is_signed_in(client)
    assert Client().get("/agents/", headers={"Authorization": bearer}).status_code == 401


def test_a_disabled_user_is_out_at_once(client_of: ClientOf, alice: User) -> None:
    client, bearer = client_of(alice), people.bearer_of(alice)
    User.objects.update(is_active=False)
    assert not is_signed_in(client)
    assert Client().get("/agents/", headers={"Authorization": bearer}).status_code == 401


def test_a_sign_in_of_another_user_is_not_believed(client_of: ClientOf, alice: User, bob: User) -> None:
    client = client_of(alice)
    SignIn.objects.update(user=bob)
    assert not is_signed_in(client)


def test_no_token_lies_in_the_session_or_a_cookie(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.get(PAGE)
    row = SignIn.objects.get()
    assert dict(client.session.items()) == {"sign_in": str(row.pk)}
    cookies = client.cookies.output()
    assert row.access_token not in cookies
    assert row.refresh_token not in cookies


def test_the_tokens_stay_out_of_a_repr(alice: User) -> None:
    issued = people.tokens_of(alice)
    assert issued.access_token not in repr(issued)
    assert issued.refresh_token not in repr(issued)
