"""A session and its sign-in are read in one query, and each request sees what became of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agentforge.accounts.models import LocalSession, SignIn, User
from agentforge.accounts.sessions import sign_ins, store
from tests.drivers.people import tokens_of

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def _signed_in(browser: Client) -> bool:
    return browser.get(reverse("configs:list")).status_code == 200


def _asked_of_sessions(browser: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert _signed_in(browser)
    tables = ("django_session", "accounts_signin", "accounts_localsession")
    return sum(any(table in query["sql"] for table in tables) for query in queries)


def test_what_belongs_together_is_asked_at_once(
    client_of: ClientOf, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = client_of(alice)
    assert _asked_of_sessions(browser) == 1
    # As in another process.
    monkeypatch.setattr(store, "_known", store._Known())
    assert _asked_of_sessions(browser) == 3
    assert _asked_of_sessions(browser) == 1


@pytest.mark.parametrize(
    "end",
    [
        lambda user: Session.objects.all().delete(),
        lambda user: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)),
        lambda user: SignIn.objects.all().delete(),
        lambda user: LocalSession.objects.all().delete(),
        lambda user: LocalSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    ],
    ids=["session", "old session", "sign-in", "auth session", "old auth session", "user"],
)
def test_what_ended_ends_at_the_next_request(
    client_of: ClientOf, alice: User, end: Callable[[User], object]
) -> None:
    browser = client_of(alice)
    assert _signed_in(browser)
    end(alice)
    assert not _signed_in(browser)


def test_a_session_that_names_another_sign_in_counts(client_of: ClientOf, alice: User, bob: User) -> None:
    browser = client_of(alice)
    assert _signed_in(browser)
    session = browser.session
    issued = tokens_of(bob)
    row = SignIn.objects.create(
        user=bob,
        access_token=issued.access_token,
        refresh_token=issued.refresh_token,
        expires_at=issued.expires_at,
    )
    session[sign_ins.SESSION_KEY] = str(row.pk)
    session.save()
    for _ in range(2):
        assert browser.get(reverse("accounts:account")).context["user"] == bob


def test_a_process_knows_the_sessions_that_were_used_last(
    client_of: ClientOf, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_KNOWN", 1)
    first, second = client_of(alice), client_of(bob)
    assert _asked_of_sessions(second) == 1
    assert _asked_of_sessions(first) == 3
    assert _asked_of_sessions(first) == 1
    assert _asked_of_sessions(second) == 3
