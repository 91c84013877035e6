from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client
from django.utils import timezone

from agentforge.accounts.models import Ending, FailedAttempts, LocalSession, SignIn, User
from agentforge.accounts.sessions.maintenance import prune
from agentforge.audit.checks import check_retention
from agentforge.audit.models import AuditEvent
from tests.drivers import people

pytestmark = pytest.mark.django_db
AGES = {
    Session: ("expire_date", timedelta(minutes=1)),
    SignIn: ("expires_at", timedelta(days=15)),
    LocalSession: ("expires_at", timedelta(minutes=1)),
    FailedAttempts: ("since", timedelta(days=2)),
    Ending: ("ended_at", timedelta(days=8)),
    AuditEvent: ("created_at", timedelta(days=731)),
}
COUNTED = ("sessions", "sign_ins", "local_sessions", "failed_attempts", "endings", "audit_events")


@pytest.fixture
def left_behind(alice: User, bob: User) -> None:
    """Leave one of everything that is still of use, and one that is not, of another person."""
    for user in (bob, alice):
        people.sign_in(Client(), user)
        FailedAttempts.objects.create(subject=user.email)
        Ending.objects.create(subject=f"session {SignIn.objects.get(user=user).pk}")
        if user == bob:
            age_everything()


def age_everything() -> None:
    now = timezone.now()
    for model, (field, age) in AGES.items():
        if model is not AuditEvent:
            model.objects.update(**{field: now - age})  # type: ignore[attr-defined] # every model has it
    # Events are never changed: an old one is made old.
    old = now - AGES[AuditEvent][1]
    AuditEvent.objects.create(action="signed-in", actor_label="long ago", created_at=old)


def kept() -> list[int]:
    return [model.objects.count() for model in AGES]  # type: ignore[attr-defined] # every model has it


def test_what_is_past_use_goes_and_the_rest_stays(left_behind: None, alice: User) -> None:
    before = kept()
    assert prune(dry_run=True) == dict.fromkeys(COUNTED, 1)
    assert kept() == before
    assert prune(dry_run=False) == dict.fromkeys(COUNTED, 1)
    # The log says what was taken out of it.
    assert kept() == [count - 1 for count in before[:-1]] + [before[-1]]
    assert SignIn.objects.get().user == alice
    pruned = AuditEvent.objects.latest("pk")
    assert (pruned.action, pruned.owner_id, pruned.detail["events"]) == ("log-pruned", None, 1)
    assert not AuditEvent.objects.filter(actor_label="long ago").exists()
    assert prune(dry_run=False) == dict.fromkeys(COUNTED, 0)


def test_nobody_in_use_is_signed_out(alice: User) -> None:
    client = Client()
    people.sign_in(client, alice)
    prune(dry_run=False)
    assert client.get("/agents/").status_code == 200
    SignIn.objects.update(expires_at=F("expires_at") - timedelta(days=13))
    prune(dry_run=False)
    assert client.get("/agents/").status_code == 200


def test_settings_say_how_long_events_stay(left_behind: None, settings: LazySettings) -> None:
    settings.AUDIT_KEEP_DAYS = 0
    assert prune(dry_run=False)["audit_events"] == 0
    assert check_retention(None) == []
    settings.AUDIT_KEEP_DAYS = 800
    assert prune(dry_run=False)["audit_events"] == 0
    settings.AUDIT_KEEP_DAYS = 29
    assert [result.id for result in check_retention(None)] == ["audit.E001"]
    with pytest.raises(ValueError, match="at least 30"):
        prune(dry_run=True)
