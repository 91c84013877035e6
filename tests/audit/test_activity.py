from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from tests.drivers.pages import shown

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/activity/{query}")
    assert response.status_code == 200
    return shown(response)


def test_own_events_only(client_of: ClientOf, alice: User, bob: User, olga: User) -> None:
    record(Action.AGENT_CREATED, owner=bob, subject=bob)
    record(Action.KEYS_ROTATED, owner=None)
    record(Action.SESSIONS_ENDED, owner=alice, actor=olga)
    html = page(client_of(alice))
    assert "Signed in" in html
    assert "olga@example.com" in html
    assert "bob@example.com" not in html
    assert "Keys re-encrypted" not in html


def test_kinds_filter(client_of: ClientOf, alice: User) -> None:
    record(Action.AGENT_CREATED, owner=alice, subject=alice)
    client = client_of(alice)
    assert '<td class="table-main"> Agent created' in page(client, "?kind=agents")
    assert '<td class="table-main">Signed in' not in page(client, "?kind=agents")
    assert "Nothing of this kind yet" in page(client, "?kind=downloads")
    assert "There is no such kind." in page(client, "?kind=secrets")


def test_scripts_read_it_too(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    answer = client.get("/activity/?kind=sign-ins", headers={"Accept": "application/json"}).json()
    [event] = answer["events"]
    assert (event["action"], event["who"]) == ("signed-in", "alice@example.com")
    refused = client.get("/activity/?kind=secrets", headers={"Accept": "application/json"})
    assert refused.status_code == 422


def test_pages_cost_the_same_however_many(
    client_of: ClientOf, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(alice)
    for _ in range(120):
        record(Action.KEY_USED, owner=alice, purpose="tested")
    # The request's own eight, the count, the page, and the header's builds.
    with django_assert_max_num_queries(11):
        html = page(client, "?kind=keys&page=2")
    assert "Page 2 of 3" in html
    assert "kind=keys&amp;page=3" in html


def test_details_are_words(client_of: ClientOf, alice: User) -> None:
    record(Action.AGENT_CREATED, owner=alice, draft=False, ms=12_340, sha256="ab" * 32)
    html = page(client_of(alice), "?kind=agents")
    for words in ("draft: no", "took 12 s", "sha256: abababababab…"):
        assert words in html
