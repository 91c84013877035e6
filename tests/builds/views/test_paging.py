from __future__ import annotations

import pytest
from django.core.paginator import Page
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentforge import pagination
from agentforge.pagination import page_of
from builds.models import Build
from configs.models import AgentConfig
from configs.revisions import create_revision
from tests.drivers.people import sign_in

BUILDS = 12


@pytest.fixture
def many(agent: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Store more builds than the paginator counts, two per page; return their keys, newest first."""
    monkeypatch.setattr(pagination, "PAGE_SIZE", 2)
    monkeypatch.setattr(pagination, "PAGES_AHEAD", 3)
    revision = create_revision(agent)
    builds = [
        Build.objects.create(owner=agent.owner, revision=revision, status="failed") for _ in range(BUILDS)
    ]
    return [build.pk for build in reversed(builds)]


def shown(number: str | None) -> Page[Build]:
    return page_of(Build.objects.all(), number)


@pytest.mark.django_db
def test_every_page_keeps_its_number(many: list[int]) -> None:
    keys = [build.pk for number in range(1, 7) for build in shown(str(number))]

    assert keys == many
    assert shown("6").number == shown("7").number == shown("999999999").number == 6
    assert not shown("6").has_next()


@pytest.mark.django_db
def test_no_more_is_counted_than_is_needed(many: list[int]) -> None:
    first, third = shown(None), shown("3")

    assert (first.paginator.num_pages, first.paginator.count) == (4, 8)
    assert third.paginator.num_pages == 6
    with CaptureQueriesContext(
        connection,
    ) as queries:
        shown("1")
    assert "LIMIT 9" in queries[0]["sql"]


@pytest.mark.django_db
@pytest.mark.parametrize(("stored", "queries"), [(0, 0), (2, 0), (3, 1), (12, 1)])
def test_rows_that_were_read_are_not_asked_for(
    many: list[int], monkeypatch: pytest.MonkeyPatch, stored: int, queries: int
) -> None:
    monkeypatch.setattr(pagination, "FIRST", 3)
    builds = Build.objects.filter(pk__in=many[:stored])
    asked = list(builds[: pagination.FIRST])
    with CaptureQueriesContext(connection) as captured:
        page = page_of(builds, None, asked)
        keys = [build.pk for build in page]
    assert keys == many[:stored][:2]
    assert len(captured) == queries
    assert page.paginator.num_pages == page_of(builds, None).paginator.num_pages
    second, plain = page_of(builds, "2", asked), page_of(builds, "2")
    assert (second.number, list(second)) == (plain.number, list(plain))


@pytest.mark.django_db
@pytest.mark.parametrize("nonsense", ["", "x", "0", "-1", "٣", "9" * 40])
def test_nonsense_shows_a_page(many: list[int], nonsense: str) -> None:
    assert len(shown(nonsense)) == 2


@pytest.mark.django_db
def test_the_page_says_that_there_are_more(many: list[int], agent: AgentConfig, client: Client) -> None:
    sign_in(client, agent.owner)
    page = client.get(reverse("builds:list")).content.decode()
    assert "Page 1 of more than 4" in page
    assert "Page 6 of 6" in client.get(reverse("builds:list"), {"page": 6}).content.decode()
