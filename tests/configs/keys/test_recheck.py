from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.models import AuditEvent
from configs import tasks
from configs.keys import vault, verification
from configs.models import ApiKey
from configs.providers import PROVIDERS, Provider
from tests.drivers.people import make_user
from tests.standins.openai import Mode, OpenAIStandIn

NOW = timezone.now()


def stored(owner: User, plaintext: str, hours_ago: float, provider: str = "openai") -> ApiKey:
    """Return a key that was found valid so many hours ago."""
    key = vault.save_key(owner, provider, plaintext)
    ApiKey.objects.filter(pk=key.pk).update(status="valid", checked_at=NOW - timedelta(hours=hours_ago))
    return key


def waiting() -> list[int]:
    """Return the keys whose test waits for a worker, in the order in which they were enqueued."""
    jobs = ProcrastinateJob.objects.filter(task_name=verification.TEST_TASK, status="todo").order_by("pk")
    return [job.args["key_id"] for job in jobs]


def work() -> None:
    """Do what waits, as a worker does."""
    for job in ProcrastinateJob.objects.filter(task_name=verification.TEST_TASK, status="todo"):
        verification.retest_stored(**json.loads(json.dumps(job.args)))


def test_only_keys_not_tested_for_a_day_are_due(alice: User, bob: User, olga: User) -> None:
    later = stored(alice, "sk-1", 25)
    stored(bob, "sk-2", 23)
    first = stored(olga, "sk-3", 90)
    assert verification.enqueue_rechecks(at=NOW) == 2
    assert waiting() == [first.pk, later.pk]
    # A second round before a worker came adds nothing.
    assert verification.enqueue_rechecks(at=NOW) == 0
    assert waiting() == [first.pk, later.pk]


def test_a_key_that_was_never_tested_is_due_too(alice: User) -> None:
    key = vault.save_key(alice, "openai", "sk-1")
    assert verification.enqueue_rechecks(at=key.created_at + timedelta(hours=23)) == 0
    assert verification.enqueue_rechecks(at=key.created_at + timedelta(hours=25)) == 1


@pytest.mark.parametrize(("hours", "found"), [(0, 0), (-1, 0), (100, 0), (2, 1)])
def test_the_setting_decides(alice: User, settings: Settings, hours: int, found: int) -> None:
    settings.KEY_RECHECK_HOURS = hours
    stored(alice, "sk-1", 25)
    assert verification.enqueue_rechecks(at=NOW) == found


def test_a_round_is_bounded_and_unreadable_keys_do_not_fill_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "BATCH", 2)
    keys = [stored(make_user(f"person{n}"), f"sk-{n}", 100 - n) for n in range(5)]
    lost = [key.pk for key in keys[:2]]
    ApiKey.objects.filter(pk__in=lost).update(ciphertext=b"lost")
    assert verification.enqueue_rechecks(at=NOW) == 2
    assert waiting() == [keys[2].pk, keys[3].pk]


def test_nothing_is_spent_unasked(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    dear = Provider(code="dear", label="Dear", api="openai", key_env="K", base_url_env="U", free_check=False)
    monkeypatch.setitem(PROVIDERS, "dear", dear)
    stored(alice, "sk-1", 25, "dear")
    stored(alice, "sk-1", 25, "no longer offered")
    assert verification.enqueue_rechecks(at=NOW) == 0


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        ("html", "valid", "unreachable"),
        ("html", "invalid", "invalid"),
        ("rate_limited", "invalid", "invalid"),
        ("no_credit", "valid", "no_credit"),
        ("ok", "invalid", "valid"),
    ],
)
def test_the_outcome_is_kept(alice: User, openai: OpenAIStandIn, mode: Mode, before: str, after: str) -> None:
    openai.mode = mode
    stored(alice, openai.key, 25)
    ApiKey.objects.update(status=before)
    verification.enqueue_rechecks(at=NOW)
    work()
    key = ApiKey.objects.get()
    assert key.status == after
    assert key.checked_at is not None
    assert key.checked_at >= NOW
    assert verification.enqueue_rechecks(at=NOW) == 0


def test_a_key_that_was_revoked_turns_invalid_and_its_use_is_logged(
    alice: User, openai: OpenAIStandIn
) -> None:
    stored(alice, "sk-revoked", 25)
    verification.enqueue_rechecks(at=NOW)
    work()
    assert ApiKey.objects.get().status == "invalid"
    used = AuditEvent.objects.get(action=Action.KEY_USED)
    assert (used.owner_id, used.who, used.detail) == (
        alice.pk,
        "the forge",
        {"purpose": "tested again, as scheduled"},
    )
    assert AuditEvent.objects.get(action=Action.KEY_TESTED).detail["outcome"] == "invalid"


def test_what_a_test_said_of_a_key_is_not_said_of_the_next(alice: User, openai: OpenAIStandIn) -> None:
    """Replace the key, and remove it, while its test lasts."""
    old = stored(alice, "sk-revoked", 25)
    vault.save_key(alice, "openai", openai.key)
    assert verification.retest(old).refused
    assert ApiKey.objects.get().status == "unverified"
    vault.remove_key(ApiKey.objects.get())
    assert verification.retest(old).refused
    assert not ApiKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_it_by_itself(transactional_db: None, alice: User) -> None:
    key = stored(alice, "sk-1", 25)
    assert (tasks.recheck_keys.name, "") in app.periodic_registry.periodic_tasks
    tasks.recheck_keys(timestamp=int(NOW.timestamp()))
    assert waiting() == [key.pk]
