"""No request holds a database connection while Supabase Auth is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.drivers.slow_work import SlowWorkClient, slow_work_noted
from tests.standins.supabase_auth import SupabaseAuth

from .supabase_browser import EMAIL, PASSWORD, enrol, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

NEW = {"email": "new@example.com", "password": PASSWORD}
VISITORS: list[tuple[str, dict[str, str]]] = [
    ("/sign-in/", {"email": EMAIL, "password": PASSWORD}),
    ("/sign-in/", {"email": EMAIL, "password": "a wrong battery"}),
    ("/sign-up/", NEW),
    ("/accounts/mail/", {"email": EMAIL}),
    ("/accounts/recovery/", {"email": EMAIL}),
    ("/accounts/code/", {"email": EMAIL, "code": "123456", "kind": "email"}),
    ("/accounts/confirm/", {"token_hash": "0" * 56, "type": "signup"}),
]
PEOPLE: list[tuple[str, dict[str, str]]] = [
    ("/accounts/password/", {"current": PASSWORD, "password": "another horse battery"}),
    ("/accounts/email/", {"email": "new@example.com", "current": PASSWORD}),
    ("/accounts/second-factor/enrol/", {}),
    ("/sign-out/", {}),
    ("/sign-out/", {"scope": "everywhere"}),
]


@pytest.fixture(autouse=True)
def client(auth: SupabaseAuth) -> Iterator[SlowWorkClient]:
    auth.account(EMAIL, PASSWORD)
    with slow_work_noted():
        yield SlowWorkClient()


def check(client: SlowWorkClient, response: Any) -> None:
    assert response.status_code < 500, response.content
    assert client.seen, response.content
    assert client.held == []


@pytest.mark.parametrize(("path", "data"), VISITORS, ids=lambda part: part if isinstance(part, str) else "")
def test_visitors(path: str, data: dict[str, str], client: SlowWorkClient) -> None:
    check(client, client.post(path, data))


@pytest.mark.parametrize(("path", "data"), PEOPLE, ids=lambda part: part if isinstance(part, str) else "")
def test_people(path: str, data: dict[str, str], client: SlowWorkClient) -> None:
    sign_in(client)
    client.seen.clear()
    check(client, client.post(path, data))


def test_the_second_factor(client: SlowWorkClient) -> None:
    sign_in(client)
    factor, _ = enrol(client)
    sign_in(other := SlowWorkClient())
    check(other, other.get("/accounts/second-factor/"))
    check(other, other.post("/accounts/second-factor/", {"factor": factor, "code": "000000"}))
    check(client, client.post(f"/accounts/second-factor/{factor}/remove/"))
