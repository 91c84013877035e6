"""The administration's lists show their rows without reading all of a table, however many there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agentforge.accounts.models import User
from builds.models import Artifact, Build, BuildStatus
from configs.models import AgentConfig
from configs.revisions import create_revision
from configs.services import create_agent
from tests.drivers.query_plans import tables_read_whole

pytestmark = pytest.mark.django_db
MANY = 5_000


@pytest.fixture(autouse=True)
def files(alice: User) -> None:
    """Store files of two years, and tell the planner."""
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", provider="openai", model="m"))
    build = Build.objects.create(owner=alice, revision=create_revision(agent), status=BuildStatus.SUCCEEDED)
    now = timezone.now()
    Artifact.objects.bulk_create(
        Artifact(
            owner=alice,
            build=build,
            name=f"file-{n}",
            sha256=f"{n:064}",
            size=1,
            created_at=now - timedelta(days=n % 700),
        )
        for n in range(MANY)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE builds_artifact")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": f"{7:064}"},
        # A fiftieth of them; of a fifth the planner may as well read all.
        {"q": f"{4_700:064}"[:62]},
        {"created_at__gte": "2000-01-01 00:00:00+00:00", "created_at__lt": "2000-01-02 00:00:00+00:00"},
        # By the size, which is not offered; by the hash; by the date.
        {"o": "4"},
        {"o": "5"},
        {"o": "-6"},
    ],
)
def test_the_list_of_files_reads_some_of_them(operator: Client, query: dict[str, str]) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = operator.get(reverse("admin:builds_artifact_changelist"), query)
    assert page.status_code == 200
    # How many there are in all can't be said otherwise.
    of_rows = [each for each in queries if query.keys() - {"o"} or "COUNT(*)" not in each["sql"]]
    assert any("builds_artifact" in each["sql"] for each in of_rows)
    assert "builds_artifact" not in set(tables_read_whole(of_rows))


def test_a_file_is_found_by_the_first_digits_of_its_hash(operator: Client) -> None:
    for search, names in {f"{4_700:064}"[:62]: 100, f" {4_700:064} ": 1, "file-4700": 0, "": MANY}.items():
        page = operator.get(reverse("admin:builds_artifact_changelist"), {"q": search})
        assert page.context["cl"].result_count == names


@pytest.mark.parametrize(
    "kind", ["builds_build", "builds_artifact", "deployments_deployment", "audit_auditevent"]
)
def test_no_list_looks_for_the_days_of_all_rows(operator: Client, kind: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert operator.get(reverse(f"admin:{kind}_changelist")).status_code == 200
    asked = [query["sql"] for query in queries if f'FROM "{kind}"' in query["sql"]]
    assert asked
    assert [sql for sql in asked if "MIN(" in sql or "DATE_TRUNC" in sql] == []
