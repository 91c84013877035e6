from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from asgiref.sync import sync_to_async
from django.db import DataError, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import AsyncClient, Client
from pytest_django import DjangoAssertNumQueries

from agentforge.accounts.models import User
from agentforge.tenancy import rls
from agentforge.tenancy.postgresql.base import DatabaseWrapper
from configs.models import AgentConfig
from tests.drivers import people

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.urls("tests.tenancy.tenant_pages")


def body(client: Client, path: str) -> str:
    response = client.get(path)
    return b"".join(response).decode()


def test_a_request_runs_as_its_user(client: Client, client_of: ClientOf, alice: User, olga: User) -> None:
    assert body(client, "/role") == "anon"
    assert body(client_of(alice), "/role") == "authenticated"
    assert body(client_of(olga), "/role") == "authenticated"


def test_only_operators_act_as_the_forge_in_the_admin(
    client: Client, client_of: ClientOf, alice: User, olga: User
) -> None:
    assert body(client, "/admin/role") == "anon"
    assert body(client_of(alice), "/admin/role") == "authenticated"
    assert body(client_of(olga), "/admin/role") == connection.settings_dict["USER"]


def test_a_view_that_forgets_its_filter_shows_nothing_foreign(
    client_of: ClientOf, alice: User, bob: User, olga: User
) -> None:
    AgentConfig.objects.create(owner=alice, name="Ada", handle="ada")
    AgentConfig.objects.create(owner=bob, name="Bob's", handle="bob")
    assert body(client_of(alice), "/all") == "Ada"
    assert body(client_of(olga), "/all") == ""


def test_a_streamed_body_is_read_as_the_user(client_of: ClientOf, alice: User, bob: User) -> None:
    AgentConfig.objects.create(owner=alice, name="Ada", handle="ada")
    AgentConfig.objects.create(owner=bob, name="Bob's", handle="bob")
    assert body(client_of(alice), "/streamed") == "authenticated 1"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/raising", "/failing", "/swallowing"])
def test_a_failed_request_leaves_nothing(path: str, client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.raise_request_exception = False
    assert client.get(path).status_code == 500
    assert not AgentConfig.objects.exists()
    assert body(client, "/role") == "authenticated"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == connection.settings_dict["USER"]


@pytest.mark.django_db(transaction=True)
def test_a_remote_call_interrupts_the_transaction(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    assert body(client, "/remote-call") == f"False {connection.settings_dict['USER']} authenticated"
    assert AgentConfig.objects.count() == 2
    AgentConfig.objects.all().delete()
    assert client.get("/remote-call?status=500").status_code == 500
    assert [agent.name for agent in AgentConfig.objects.all()] == ["Before"]
    assert body(client, "/role") == "authenticated"


@pytest.mark.django_db(transaction=True)
async def test_asynchronous_serving_keeps_the_role() -> None:
    def prepare() -> str:
        client = Client()
        people.sign_in(client, people.make_user("alice"))
        return client.cookies["sessionid"].value

    client = AsyncClient()
    assert (await client.get("/role")).content == b"anon"
    client.cookies["sessionid"] = await sync_to_async(prepare)()
    assert (await client.get("/role")).content == b"authenticated"
    assert (await client.get("/role-async")).content == b"authenticated"
    await sync_to_async(connections.close_all)()


def test_what_a_request_costs(
    client_of: ClientOf, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(alice)
    client.get("/role")
    # The Django session with the sign-in, its user, and whether it was ended; savepoint, role, the view's
    # one, role back, savepoint.
    with django_assert_num_queries(6):
        client.get("/role")


@pytest.mark.django_db(transaction=True)
def test_a_request_begins_as_its_user_in_one_statement(
    client_of: ClientOf, alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clients = [client_of(user) for user in (alice, bob)]
    for _ in range(2):
        assert [body(client, "/role") for client in clients] == ["authenticated", "authenticated"]
    with django_assert_num_queries(4) as asked:
        body(clients[0], "/role")
    assert [query["sql"] for query in asked][1::2] == ["BEGIN", "COMMIT"]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_could_not_begin_leaves_nothing(alice: User) -> None:
    wrapper = cast("DatabaseWrapper", connection)
    with pytest.raises(DataError), wrapper.transaction_with("SELECT 1 / %s::int", ["0"]):
        pytest.fail("It began.")
    assert AgentConfig.objects.count() == 0
    # The connection that a transaction makes for itself begins with it too.
    connection.close()
    with rls.as_user(alice.pk), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("authenticated",)
    with transaction.atomic():
        assert AgentConfig.objects.count() == 0
        with pytest.raises(transaction.TransactionManagementError):
            wrapper.transaction_with("SELECT %s", ["1"]).__enter__()


def test_no_database_is_said_plainly(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: BaseDatabaseWrapper) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    response = client.get("/role")
    assert response.status_code == 503
    assert "database does not answer" in response.content.decode()
    (said,) = [record for record in caplog.records if "does not answer" in record.getMessage()]
    assert said.exc_info is None and not said.getMessage().endswith("None")
