"""Try in SQL, as every role, to change what the log says."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.audit.models import AuditEvent
from agentforge.tenancy import rls

pytestmark = pytest.mark.django_db

CHANGES = {
    "update": "UPDATE audit_auditevent SET action = 'x'",
    "update of nothing": "UPDATE audit_auditevent SET action = 'x' WHERE false",
    "delete": "DELETE FROM audit_auditevent",
    "truncate": "TRUNCATE audit_auditevent",
    "replace": "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent "
    "ON CONFLICT (id) DO UPDATE SET action = 'x'",
}


@pytest.fixture
def logged(alice: User, bob: User) -> None:
    for owner in (alice, bob, None):
        record(Action.SIGNED_IN, owner=owner)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def acting(role: str, alice: User) -> AbstractContextManager[Any]:
    if role == "authenticated":
        return rls.as_user(alice.pk)
    if role == "anon":
        return rls.as_anonymous()
    return nullcontext()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "the forge"])
def test_nobody_changes_what_is_logged(role: str, change: str, logged: None, alice: User) -> None:
    with acting(role, alice), pytest.raises(ProgrammingError) as refusal, transaction.atomic():
        if role == "service_role":
            execute("SET LOCAL ROLE service_role")
        execute(CHANGES[change])
    words = ("append-only" if role == "the forge" else "permission denied", "append-only")
    assert any(word in str(refusal.value) for word in words)
    assert AuditEvent.objects.count() == 3
    assert not AuditEvent.objects.exclude(action=Action.SIGNED_IN).exists()


def test_a_user_reads_own_events_and_writes_none(logged: None, alice: User) -> None:
    with rls.as_user(alice.pk):
        [event] = AuditEvent.objects.all()
        assert event.owner_id == alice.pk
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            AuditEvent.objects.create(owner=alice, action=Action.SIGNED_IN)
        record(Action.AGENT_CREATED, owner=alice)
        assert AuditEvent.objects.count() == 2


def test_nobody_signed_in_reads_nothing(logged: None) -> None:
    with (
        rls.as_anonymous(),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
    ):
        AuditEvent.objects.count()


def test_what_is_rolled_back_was_not_done(alice: User) -> None:
    with transaction.atomic():
        record(Action.AGENT_CREATED, owner=alice)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_the_log_outlives_whom_it_names(logged: None, alice: User) -> None:
    record(Action.PASSWORD_CHANGED, owner=alice, actor=alice, subject=alice)
    alice.delete()
    event = AuditEvent.objects.select_related("owner", "actor").first()
    assert event is not None
    assert event.owner is None
    assert event.who == "alice@example.com"
    assert event.subject_label == "alice@example.com"


@pytest.fixture
def old(logged: None) -> AuditEvent:
    event: AuditEvent = AuditEvent.objects.create(
        action=Action.SIGNED_IN, actor_label="old", created_at=timezone.now() - timedelta(days=40)
    )
    return event


def test_the_service_role_prunes_by_the_one_way_there_is(old: AuditEvent) -> None:
    with transaction.atomic():
        execute("SET LOCAL ROLE service_role")
        execute("SELECT audit_prune(now() - interval '35 days')")
        execute("RESET ROLE")
    assert not AuditEvent.objects.filter(actor_label="old").exists()
    assert AuditEvent.objects.count() == 3
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        execute("DELETE FROM audit_auditevent")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_users_do_not_prune(role: str, old: AuditEvent, alice: User) -> None:
    with (
        acting(role, alice),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
    ):
        execute("SELECT audit_prune(now() - interval '35 days')")
    assert AuditEvent.objects.filter(actor_label="old").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT audit_prune('infinity')",
        "SELECT set_config('audit.pruning', pg_current_xact_id()::text, true); DELETE FROM audit_auditevent",
    ],
)
def test_what_is_young_stays_whoever_prunes(sql: str, old: AuditEvent) -> None:
    with pytest.raises(ProgrammingError, match="30 days"), transaction.atomic():
        execute(sql)
    assert AuditEvent.objects.count() == 4


def test_the_mark_of_another_transaction_opens_nothing(old: AuditEvent) -> None:
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        execute("SELECT set_config('audit.pruning', '1', true)")
        execute("DELETE FROM audit_auditevent WHERE actor_label = 'old'")
