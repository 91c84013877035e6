"""Queries whose SQL is written once give each caller their own rows."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentforge.accounts.models import User
from agentforge.prepared_queries import Keys, Parameter, PreparedQuery, answers
from agentforge.tenancy import rls
from agentforge.tenancy.connections import connection_lease
from configs.models import AgentConfig, Revision
from configs.revisions import create_revision
from configs.services import duplicate_agent

pytestmark = pytest.mark.django_db


def revisions() -> PreparedQuery[Revision]:
    return PreparedQuery(
        lambda: (
            Revision.objects.filter(agent__in=Keys("agents"), owner=Parameter("owner"))
            .select_related("agent")
            .defer("canonical_json")
            .order_by("pk")
        )
    )


def test_each_call_gives_the_rows_of_its_values(agent: AgentConfig, alice: User, bob: User) -> None:
    query, twin = revisions(), duplicate_agent(agent)
    first, second = create_revision(agent), create_revision(twin)
    assert query(agents=[agent.pk], owner=alice.pk) == [first]
    assert query(agents=[agent.pk, twin.pk], owner=alice.pk) == [first, second]
    assert query(agents=[], owner=alice.pk) == []
    assert query(agents=[agent.pk], owner=bob.pk) == []
    assert query.first(agents=[agent.pk], owner=bob.pk) is None


def test_rows_are_read_as_a_query_set_reads_them(agent: AgentConfig, alice: User) -> None:
    query = revisions()
    create_revision(agent)
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            found = query.first(agents=[agent.pk], owner=alice.pk)
            assert found is not None
            assert found.agent == agent
        assert len(queries) == 1
        assert found.canonical_json


def test_values_are_read_as_tuples(agent: AgentConfig) -> None:
    names = PreparedQuery(lambda: AgentConfig.objects.filter(pk=Parameter("pk")).values_list("pk", "name"))
    assert names(pk=agent.pk) == [(agent.pk, agent.name)]


def test_several_are_asked_in_one_round_trip(agent: AgentConfig, alice: User, bob: User) -> None:
    query, revision = revisions(), create_revision(agent)
    names = PreparedQuery(lambda: AgentConfig.objects.filter(name=Parameter("name")).values_list("name"))
    AgentConfig.objects.filter(pk=agent.pk).update(name="'; SELECT 1;\n%s")
    with CaptureQueriesContext(connection) as queries:
        found = answers(
            query.question(agents=[agent.pk], owner=alice.pk),
            names.question(name="'; SELECT 1;\n%s"),
            query.question(agents=[agent.pk], owner=bob.pk),
            query.question(agents=[], owner=alice.pk),
        )
    assert found == [[revision], [("'; SELECT 1;\n%s",)], [], []]
    assert len(queries) == 1


def test_a_value_is_data(agent: AgentConfig, alice: User) -> None:
    named = PreparedQuery(lambda: AgentConfig.objects.filter(name=Parameter("name")))
    hostile = "'; DROP TABLE configs_agentconfig; -- %s {}"
    AgentConfig.objects.filter(pk=agent.pk).update(name=hostile)
    assert named(name=hostile) == [agent]
    assert named(name="%") == []


def test_the_database_shows_a_user_their_rows_only(agent: AgentConfig, alice: User, bob: User) -> None:
    every = PreparedQuery(lambda: AgentConfig.objects.order_by("pk"))
    with rls.as_user(alice.pk):
        assert every() == [agent]
    with rls.as_user(bob.pk):
        assert every() == []


@pytest.mark.django_db(transaction=True)
def test_threads_use_connections_of_their_own(agent: AgentConfig) -> None:
    servers = PreparedQuery(lambda: AgentConfig.objects.filter(pk=Parameter("pk")))
    found: list[AgentConfig | None] = []

    def read() -> None:
        with connection_lease():
            found.append(servers.first(pk=agent.pk))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [agent] * 4


@pytest.mark.parametrize("pk", [0, 2**31, 2**63, 10**30])
def test_no_row_has_a_number_that_is_too_large(
    client_of: Callable[[User], Client], alice: User, pk: int
) -> None:
    assert client_of(alice).get(f"/agents/{pk}/identity/").status_code == 404
