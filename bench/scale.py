"""Measure pages with 1,000 builds and 10,000 log lines in the tables, then with 1,000,000 and 10,000,000.

The rival is the same page in the small database, in the same run; the ratio is the price of size. One person
owns a tenth of all builds, most of one agent. The pages are that person's, and full in both databases.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from agentforge.tenancy.search_path import use_schema

from .pages import page_cost
from .stage import agent, database

if TYPE_CHECKING:
    from django.test import Client

    from configs.models import AgentConfig, Revision

SMALL, LARGE = 1_000, 1_000_000
LINES_A_BUILD = 10

# Each table's rows are copies of one template row except for these fields; n counts the builds.
_FIELDS = {
    "builds_build": """'id', n, 'owner_id', revision.owner_id, 'revision_id', revision.id, 'turn', n,
        'created_at', at, 'started_at', at, 'finished_at', at + interval '3 seconds'""",
    "builds_buildtarget": """'id', n, 'owner_id', revision.owner_id, 'build_id', n,
        'input_digest', md5(n::text)""",
    "builds_artifact": """'id', n, 'owner_id', revision.owner_id, 'build_id', n,
        'sha256', md5(n::text) || md5(n::text)""",
    "live_stream": "'name', 'build-' || n, 'owner_id', revision.owner_id, 'closed_at', at",
    "live_chunk": "'id', n, 'stream_id', 'build-' || n, 'created_at', at",
}
_FILL = """
INSERT INTO {table}
SELECT (jsonb_populate_record(template, jsonb_build_object({fields}))).*
FROM (SELECT row FROM {table} AS row LIMIT 1) AS kept(template)
CROSS JOIN generate_series(%(first)s::bigint, %(last)s) AS n
CROSS JOIN LATERAL (SELECT now() - interval '1 year' + n * interval '1 second' AS at) AS made
JOIN configs_revision AS revision ON revision.id = (%(revisions)s::bigint[])[1 + n %% 100]
"""


def main() -> None:
    with database() as superuser:
        _measure(superuser)


def _measure(superuser: str) -> None:
    from django.test import Client

    from configs.revisions import create_revision
    from tests.drivers.people import sign_in

    ada, *others = _agents()
    client = Client(SERVER_NAME="localhost")
    sign_in(client, ada.owner)
    fill = partial(_fill, superuser, [revision.pk for revision in _revisions(ada, *others)])
    _template(create_revision(ada))
    fill(2, SMALL)
    small = _pages(client, ada.pk, SMALL)
    fill(SMALL + 1, LARGE)
    for name, ms in _pages(client, ada.pk, LARGE).items():
        named = {"figure": "page_at_scale", "page": name, "builds": LARGE, "lines": LARGE * LINES_A_BUILD}
        rival = {"rival": f"the same page with {SMALL:,} builds", "rival_ms": round(small[name], 1)}
        print(
            json.dumps({**named, "ms": round(ms, 1), **rival, "ratio": round(ms / small[name], 2)}),
            flush=True,
        )


def _agents() -> list[AgentConfig]:
    """Return Ada, a second agent of her owner, and an agent of nine other people each."""
    owners = ["alice", "alice", *(f"person{number}" for number in range(9))]
    return [agent(f"Agent {n}", f"agent-{n}", owner) for n, owner in enumerate(owners)]


def _revisions(ada: AgentConfig, bea: AgentConfig, *others: AgentConfig) -> list[Revision]:
    """Return the revision of each of a hundred builds: nine of Ada, one of Bea, ten of each other agent."""
    from configs.revisions import create_revision

    made = {each.pk: create_revision(each) for each in (ada, bea, *others)}
    order = [*[ada] * 9, bea, *[each for each in others for _ in range(10)]]
    return [made[each.pk] for each in order]


def _template(revision: Revision) -> None:
    """Store the first finished build with its file and log; the others are copies of its rows."""
    from agentforge.live.models import Chunk, Stream
    from builds.models import Artifact, Build, BuildStatus, BuildTarget

    done, owner_id = BuildStatus.SUCCEEDED, revision.owner_id
    build = Build.objects.create(pk=1, owner_id=owner_id, revision=revision, status=done)
    BuildTarget.objects.create(pk=1, owner_id=owner_id, build=build, target="plugin", status=done)
    file = {"name": "ada.so", "sha256": "0" * 64, "size": 13_000_000}
    Artifact.objects.create(pk=1, owner_id=owner_id, build=build, target="plugin", **file)
    stream = Stream.objects.create(name=build.stream_name, owner_id=owner_id, last_seq=LINES_A_BUILD)
    record = json.dumps({"t": 1.0, "kind": "line", "stream": "out", "text": "internal/runtime/atomic"})
    data = ",".join([record] * LINES_A_BUILD)
    Chunk.objects.create(pk=1, stream=stream, first_seq=1, last_seq=LINES_A_BUILD, data=data)


def _fill(superuser: str, revisions: list[int], first: int, last: int) -> None:
    """Add the finished builds `first` to `last` with their logs, then analyze the tables."""
    from django.conf import settings

    given: dict[str, Any] = {"first": first, "last": last, "revisions": revisions}
    with psycopg.connect(superuser, autocommit=True) as connection, connection.cursor() as cursor:
        use_schema(connection, settings.DATABASES["default"]["SCHEMA"])
        # Fewer checkpoints: filling is not measured.
        cursor.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
        cursor.execute("SELECT pg_reload_conf()")
        # The rows are consistent; checking each would take longer than writing it.
        cursor.execute("SET session_replication_role = replica")
        for table, fields in _FIELDS.items():
            cursor.execute(_FILL.format(table=table, fields=fields).encode(), given)
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _pages(client: Client, agent_id: int, builds: int) -> dict[str, float]:
    """Return the median milliseconds of each page."""
    from django.urls import reverse

    newest_of_ada = builds - builds % 100
    urls = {
        "agents": reverse("configs:list"),
        "builds": reverse("builds:list"),
        "an agent's builds": reverse("builds:agent", args=[agent_id]),
        "a build": reverse("builds:detail", args=[newest_of_ada]),
    }
    return {name: page_cost(client, url)[0] for name, url in urls.items()}


if __name__ == "__main__":
    main()
