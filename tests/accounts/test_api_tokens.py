"""API tokens: made and revoked in the page, kept as hashes, held to their scope."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from agentforge.accounts import bulk_actions
from agentforge.accounts.models import ApiToken, User
from agentforge.audit.models import AuditEvent
from tests.drivers import people

pytestmark = pytest.mark.django_db
PAGE = "/accounts/tokens/"
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    people.sign_in(client, alice)
    return client


def make(client: Client, scope: str = "read", days: str = "30") -> str:
    page = client.post(PAGE, {"name": "Release script", "scope": scope, "days": days})
    assert page.status_code == 200
    secret: str = page.context["secret"]
    assert secret in page.content.decode()
    return secret


def using(secret: str) -> Client:
    return Client(headers={**JSON, "Authorization": f"Bearer {secret}"}, enforce_csrf_checks=True)


def new_agent(script: Client) -> Any:
    return script.post("/agents/new/", {"name": "By a script", "handle": "by-a-script"}, "application/json")


def test_the_secret_is_shown_once_and_stored_as_a_hash(client: Client) -> None:
    secret = make(client)
    assert secret not in client.get(PAGE).content.decode()
    assert "Release script" in client.get(PAGE).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_apitoken t")
        assert secret not in cursor.fetchone()[0]
    assert secret not in str(list(AuditEvent.objects.values()))


def test_a_token_does_what_its_scope_allows(client: Client) -> None:
    reader, writer = using(make(client)), using(make(client, "write"))
    assert reader.get("/agents/").status_code == 200
    refused = new_agent(reader)
    assert refused.status_code == 403
    assert "only read" in refused.json()["detail"]
    assert new_agent(writer).status_code in (200, 201)


@pytest.mark.parametrize(
    "path", [PAGE, "/accounts/password/", "/accounts/sessions/", "/admin/", "/sign-out/"]
)
def test_no_token_reaches_the_account(path: str, client: Client) -> None:
    script = using(make(client, "write"))
    assert script.get(path).status_code == 403
    assert script.post(path, {}, "application/json").status_code == 403


def test_a_token_of_an_operator_operates_nothing(olga: User) -> None:
    client = Client()
    people.sign_in(client, olga)
    assert using(make(client, "write")).get("/admin/").status_code == 403


def test_a_token_expires(client: Client) -> None:
    with time_machine.travel("2030-01-01 12:00Z", tick=False) as clock:
        people.sign_in(client, User.objects.get(email="alice@example.com"))
        script = using(make(client, days="7"))
        clock.shift(timedelta(days=6))
        assert script.get("/agents/").status_code == 200
        clock.shift(timedelta(days=2))
        assert script.get("/agents/").status_code == 401


def test_a_token_is_revoked_at_once_by_its_owner_alone(client: Client, bob: User) -> None:
    script = using(make(client))
    token = ApiToken.objects.get()
    stranger = Client()
    people.sign_in(stranger, bob)
    assert stranger.post(f"{PAGE}{token.pk}/revoke/").status_code == 404
    assert "Release script" not in stranger.get(PAGE).content.decode()
    client.post(f"{PAGE}{token.pk}/revoke/")
    assert script.get("/agents/").status_code == 401
    assert list(
        AuditEvent.objects.filter(action__startswith="api-token").values_list("action", flat=True)
    ) in (
        ["api-token-made", "api-token-revoked"],
        ["api-token-revoked", "api-token-made"],
    )


def test_the_last_use_is_noted(client: Client) -> None:
    using(make(client)).get("/agents/")
    assert ApiToken.objects.get().last_used_at is not None
    assert "last used" in client.get(PAGE).content.decode()


def test_a_disabled_persons_token_is_dead(client: Client, alice: User, olga: User) -> None:
    script = using(make(client))
    bulk_actions.disable([alice], by=olga)
    assert script.get("/agents/").status_code == 401


@pytest.mark.parametrize("secret", ["afp_", "afp_" + "x" * 43, "afp_" + "x" * 100_000, "afp_\u0000"])
def test_a_made_up_token_is_refused(secret: str, db: None) -> None:
    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/agents/").status_code == 401


def test_a_form_with_errors_makes_nothing(client: Client) -> None:
    for given in ({"name": ""}, {"scope": "all"}, {"days": "9999"}):
        answer = client.post(PAGE, {"name": "n", "scope": "read", "days": "7", **given})
        assert answer.status_code == 422
    assert not ApiToken.objects.exists()
