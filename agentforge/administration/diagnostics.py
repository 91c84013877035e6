"""Health checks of the forge's dependencies; each app registers its own, with remedies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg import OperationalError

from agentforge.machines import sharing
from agentforge.queue.pulse import DEAD_AFTER
from agentforge.tenancy.escalation import person_problems, session_problem
from agentforge.tenancy.exposure import exposures
from agentforge.tenancy.notifications import TRANSACTION_POOLER, NotificationLost, verify_connection
from agentforge.worker_liveness import services

OLDEST_SERVER = 150_000


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """The outcome of a check, and what to do about it."""

    state: State
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class CheckResult:
    """A check's name and finding, and how long it took (seconds)."""

    name: str
    finding: Finding
    seconds: float


Check = Callable[[], Finding]
# Databases known to have all migrations: checking is slow, and migrations are not reverted.
_migrated: set[str] = set()
# When a notification last arrived: trying takes two connections.
_notified_at = float("-inf")
_NOTIFIED_SECONDS = 60.0
_checks: dict[str, tuple[Check, bool]] = {}


def register(name: str, *, readiness: bool = False) -> Callable[[Check], Check]:
    """Register a check; with `readiness`, a failure means that no requests should be sent here."""

    def add(check: Check) -> Check:
        _checks[name] = (check, readiness)
        return check

    return add


def run_checks(*, readiness: bool = False) -> Iterator[CheckResult]:
    """Run all checks, or those of readiness, one by one; an exception counts as a failure."""
    for name, (check, for_readiness) in _checks.items():
        if readiness and not for_readiness:
            continue
        started = time.monotonic()
        try:
            finding = check()
        except Exception as error:  # reported like any failure; the other checks still run
            finding = Finding(State.FAILED, f"{type(error).__name__}: {error}", "See the log of the process.")
        yield CheckResult(name, finding, time.monotonic() - started)


def ok(message: str) -> Finding:
    return Finding(State.OK, message)


def warning(message: str, remedy: str) -> Finding:
    return Finding(State.WARNING, message, remedy)


def failed(message: str, remedy: str) -> Finding:
    return Finding(State.FAILED, message, remedy)


@register("database", readiness=True)
def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
            )
            number, version = cursor.fetchone()
    except DatabaseError as error:
        return failed(f"It does not answer: {error}", "Check DATABASE_URL and that the server is running.")
    if number < OLDEST_SERVER:
        return failed(f"PostgreSQL {version} is too old.", "Use PostgreSQL 15 or newer.")
    return ok(f"PostgreSQL {version} answers.")


@register("migrations", readiness=True)
def _migrations() -> Finding:
    if connection.settings_dict["NAME"] in _migrated:
        return ok("All are applied.")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        message = f"{len(missing)} are not applied, starting with {first.app_label}.{first.name}."
        return failed(message, "manage.py migrate")
    _migrated.add(connection.settings_dict["NAME"])
    return ok("All are applied.")


@register("notifications", readiness=True)
def _notifications() -> Finding:
    global _notified_at
    if time.monotonic() > _notified_at + _NOTIFIED_SECONDS:
        try:
            verify_connection(connection)
        except NotificationLost:
            return failed(TRANSACTION_POOLER, "Correct DATABASE_URL, and start every process again.")
        except OperationalError as error:
            return failed(
                f"They could not be tried: {error}", "Check DATABASE_URL and that the server is running."
            )
        _notified_at = time.monotonic()
    return ok("They arrive, so live pages and jobs do not wait.")


@register("worker")
def _worker() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE last_heartbeat > now() - make_interval(secs => %s)),"
            " extract(epoch FROM now() - max(last_heartbeat))::float FROM procrastinate_workers",
            [DEAD_AFTER],
        )
        alive, age = cursor.fetchone()
    if not alive:
        last = f"; the last heartbeat was {age:.0f} s ago" if age is not None else ""
        return failed(f"No worker is alive{last}.", "Start one: make run, or the Procfile's worker line.")
    message = f"{alive} alive, last heartbeat {age:.0f} s ago."
    problems = [service for service in services() if service.problem]
    if any(service.is_down for service in problems):
        message += "".join(f" {service.problem}" for service in problems if service.is_down)
        return failed(message, "Start one: make run, or the Procfile's line of that worker.")
    if problems:
        return warning(f"{message} {problems[0].problem}", "Wait, or see its log; manage.py warm beforehand.")
    return ok(message)


@register("queue")
def _queue() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),"
            " count(*) FILTER (WHERE status = 'doing' AND NOT EXISTS (SELECT FROM procrastinate_workers"
            " WHERE id = worker_id AND last_heartbeat > now() - make_interval(secs => %s)))"
            " FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
            [DEAD_AFTER],
        )
        waiting, running, lost = cursor.fetchone()
    message = f"{waiting} jobs waiting, {running} running."
    if lost:
        remedy = "A live worker takes over a dead worker's builds within 30 s; if they stay, see its log."
        return warning(f"{message} {lost} of them have no worker.", remedy)
    return ok(message)


@register("database rights")
def _database_rights() -> Finding:
    with connection.cursor() as cursor:
        problems = [problem for problem in [session_problem(cursor), *person_problems(cursor)] if problem]
    if problems:
        return failed(problems[0], "manage.py check --database default")
    opened = [str(exposure) for exposure in exposures(connection)]
    if opened:
        rest = f", and {len(opened) - 3} more" if len(opened) > 3 else ""
        return failed(f"Open to Supabase's API: {'; '.join(opened[:3])}{rest}.", "manage.py secure_database")
    return ok("Every table is closed to the roles of Supabase's API, but for what users own.")


@register("shared by all machines", readiness=True)
def _shared() -> Finding:
    with connection.cursor() as cursor:
        found = sharing.differences(cursor)
    if found:
        return failed(" ".join(each.message for each in found), found[0].remedy)
    return ok("Secrets and directories are those of the other machines.")
