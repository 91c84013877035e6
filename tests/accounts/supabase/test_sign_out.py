"""Signing out holds here at once, whatever the identity service answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from agentforge.accounts.models import Ending, FailedAttempts, SignIn
from tests.standins.supabase_auth import SupabaseAuth
from tests.standins.supabase_auth.call import Reply

from .supabase_browser import is_signed_in, row, sign_in

STATUSES = (200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 540)
BODIES: list[Any] = [None, {}, [], "text", 7, {"code": []}, {"code": "a_code_of_next_year", "message": "no"}]
ANSWERS = [Reply(body, status) for status in STATUSES for body in BODIES]


def leave(client: Client, **given: Any) -> Any:
    return client.post("/sign-out/", given, follow=True)


@pytest.mark.django_db
def test_no_answer_leaves_anybody_signed_in(auth: SupabaseAuth, browser: Client) -> None:
    for reply in ANSWERS:
        auth.replies.clear()
        # So many sign-ins of one person would be refused otherwise.
        FailedAttempts.objects.all().delete()
        client = Client()
        sign_in(client)
        bearer = row(client).access_token
        auth.replies["/logout"] = reply
        page = leave(client)
        assert page.status_code == 200, reply
        assert not is_signed_in(client), reply
        assert not SignIn.objects.exists(), reply
        assert Client(headers={"Authorization": f"Bearer {bearer}"}).get("/agents/").status_code == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scope", ["here", "everywhere"])
def test_the_local_end_is_committed_before_the_service_is_asked(
    scope: str, auth: SupabaseAuth, signed_in: Client
) -> None:
    auth.hold = threading.Event()

    def leave_and_close() -> Any:
        try:
            return leave(signed_in, scope=scope)
        finally:
            connections.close_all()

    executor = ThreadPoolExecutor(1)
    page = executor.submit(leave_and_close)
    assert auth.arrivals.acquire(timeout=60)
    assert not SignIn.objects.exists()
    assert not Session.objects.exists()
    assert Ending.objects.count() == (2 if scope == "everywhere" else 1)
    auth.hold.set()
    assert page.result(60).status_code == 200
    executor.shutdown()
    assert not is_signed_in(signed_in)
