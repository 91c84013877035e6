"""Say what of the forge breaks first when an installation grows: which statement, at how many builds.

A month of 10,000 people with a million builds and a thousand million log lines. The product is used as a
whole with 10,000 and then 100,000 of the builds stored, and PostgreSQL's own log says what was asked and
how long it took. For the million, PostgreSQL plans the same statements in tables that it believes to be ten
times as large; their times are those measured, multiplied by the ratio of the planner's costs.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from agentforge.tenancy.search_path import use_schema
from bench.stage import database

from . import planner, product, report, rows, statements

if TYPE_CHECKING:
    from agentforge.accounts.models import User
    from tests.test_access_matrix import Hers

PORTIONS = (10_000, 100_000)
_ENVIRONMENT = {
    # Compilations are simulated, and nobody answers.
    "AGENTFORGE_BENCH_SECONDS": "0.1",
    "EXAMPLE_AGENT": "0",
    "AGENTFORGE_OPENAI_URL": "http://127.0.0.1:9/v1",
    "LOCAL_MODEL_URL": "http://127.0.0.1:9/v1",
    **dict.fromkeys(("ARTIFACT_DAYS", "LOG_DAYS", "CHAT_DAYS", "AUDIT_KEEP_DAYS"), str(rows.DAYS_KEPT)),
    **{f"RATE_LIMIT_{act}": "0" for act in ("BUILDS", "MESSAGES", "DEPLOYMENTS", "SEARCHES")},
}


def main() -> None:
    os.environ |= _ENVIRONMENT
    with database() as url, psycopg.connect(url, autocommit=True) as superuser:
        from django.conf import settings

        use_schema(superuser, settings.DATABASES["default"]["SCHEMA"])
        _measure(superuser)


def _measure(superuser: psycopg.Connection) -> None:
    hers, alice, olga = _people()
    rows.keep_templates(superuser)
    statements.record(superuser)
    log = Path(str(superuser.execute("SHOW data_directory").fetchall()[0][0])) / "log"

    def mark(place: str) -> None:
        superuser.execute(psycopg.sql.SQL("SELECT {}").format(f"place: {place}"))

    asked, done, distinct = {}, 0, planner.Distinct()
    for builds in PORTIONS:
        started = time.monotonic()
        distinct = planner.distinct_values(superuser, rows.GROWING)
        rows.add_portion(superuser, builds, done)
        done, start = builds, log.stat().st_size
        filled = time.monotonic()
        product.use(hers, alice, olga, mark)
        if builds == PORTIONS[-1]:
            product.act(hers, alice, mark)
        mark("")
        asked[builds] = list(statements.read(log, start))
        said = f"{filled - started:.0f} s to fill, {time.monotonic() - filled:.0f} s to use"
        print(f"{builds:,} builds: {said}, {len(asked[builds]):,} statements", file=sys.stderr, flush=True)
    findings = report.collect(asked, rows.GROWING)
    _plan(superuser, findings, distinct)
    for line in report.table(findings, rows.BUILDS):
        print(line)


def _plan(superuser: psycopg.Connection, findings: list[report.Finding], distinct: planner.Distinct) -> None:
    for finding in findings:
        finding.plan = planner.plan_of(superuser, finding.slowest[max(finding.slowest)])
    planner.extrapolate(superuser, rows.GROWING, rows.BUILDS // PORTIONS[-1], distinct)
    for finding in findings:
        finding.future = planner.plan_of(superuser, finding.slowest[max(finding.slowest)])


def _people() -> tuple[Hers, User, User]:
    """Return what alice has, of every kind, alice, and an operator."""
    from agentforge.audit.actions import Action
    from agentforge.audit.log import record
    from builds.models import StoredFile
    from builds.queue import jobs
    from tests.drivers.people import make_user
    from tests.test_access_matrix import things_of

    alice, olga = make_user("alice"), make_user("olga", operator=True)
    hers = things_of(alice)
    StoredFile.objects.get_or_create(pk="0" * 64)
    jobs.defer_once(jobs.PUBLISH_POSITIONS)
    record(Action.BUILD_PINNED, owner=alice, actor=alice)
    return hers, alice, olga


if __name__ == "__main__":
    main()
