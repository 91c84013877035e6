"""Test users' keys against their providers, and keep what the test said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from . import vault
from .choices import KeyStatus
from .models import ApiKey
from .providers import PROVIDERS, Outcome

TEST_TASK, TEST_QUEUE = "configs.test_key", "process"
TESTED, RECHECKED = "tested", "tested again, as scheduled"
# How many keys one round of the recheck takes.
BATCH = 50
# Outcomes that don't tell whether the provider would take the key: a refusal known before still holds.
_SAYS_NOTHING = (KeyStatus.UNREACHABLE, KeyStatus.RATE_LIMITED)


@dataclass(frozen=True)
class SavedKey:
    """Tell how saving a key ended: refused ones are tested but not stored."""

    outcome: Outcome
    key: ApiKey | None


def test_and_save(owner: User, provider: str, plaintext: str, base_url: str, name: str) -> SavedKey:
    """Test a key and store it under a name, unless its provider refused it; then one stored earlier stays."""
    outcome = PROVIDERS[provider].check(plaintext, base_url)
    if outcome.refused:
        record(Action.KEY_TESTED, owner=owner, provider=provider, outcome=str(outcome.status))
        return SavedKey(outcome, None)
    key = vault.save_key(owner, provider, plaintext, base_url, name=name)
    _keep(key, outcome)
    return SavedKey(outcome, key)


def retest(key: ApiKey, purpose: str = TESTED) -> Outcome:
    """Test a stored key and keep the outcome; `purpose` goes to its owner's audit log.

    Raises vault.KeyNeedsReentry.
    """
    outcome = PROVIDERS[key.provider].check(vault.reveal(key, purpose), key.base_url)
    _keep(key, outcome)
    return outcome


def enqueue_tests(keys: Iterable[ApiKey], by: User) -> int:
    """Let a worker test stored keys for an operator; return for how many no test waited already."""
    return sum(_enqueue_test(key, TESTED, by) for key in keys)


def enqueue_rechecks(at: datetime) -> int:
    """Let a worker test the keys that were tested too long before a time, and return their number.

    The longest untested come first, at most BATCH of them; only where a test costs nothing. Keys that the
    vault can't read wait for their owners, and must not fill the batch.
    """
    if settings.KEY_RECHECK_HOURS <= 0:
        return 0
    since = at - timedelta(hours=settings.KEY_RECHECK_HOURS)
    free = [provider.code for provider in PROVIDERS.values() if provider.free_check]
    due = ApiKey.objects.annotate(seen=Coalesce("checked_at", "created_at")).filter(seen__lt=since)
    candidates = due.filter(provider__in=free).defer("models_offered").order_by("seen", "pk")
    return sum(_enqueue_test(key, RECHECKED) for key in islice(_readable(candidates), BATCH))


def _readable(keys: QuerySet[ApiKey]) -> Iterator[ApiKey]:
    # By pages: whoever takes the first few only would leave a cursor of the database's open.
    start = 0
    while page := list(keys[start : start + BATCH]):
        yield from filter(vault.is_readable, page)
        start += len(page)


def _enqueue_test(key: ApiKey, purpose: str, by: User | None = None) -> bool:
    # Django's own connector, also where a worker has put another one into the app: one transaction.
    manager = JobManager(DjangoConnector())
    task = configure_task(
        name=TEST_TASK, queue=TEST_QUEUE, queueing_lock=f"{TEST_TASK} {key.pk}", job_manager=manager
    )
    try:
        with transaction.atomic():
            task.defer(key_id=key.pk, purpose=purpose)
            if by is not None:
                record(Action.KEY_TEST_ASKED, owner=key.owner_id, actor=by, subject=key)
    except AlreadyEnqueued:
        return False
    return True


def retest_stored(key_id: int, purpose: str) -> None:
    """Test a stored key; one that is gone or needs re-entry stays as it is."""
    key: ApiKey | None = ApiKey.objects.filter(pk=key_id).first()
    if key is not None:
        with suppress(vault.KeyNeedsReentry):
            retest(key, purpose)


def _keep(key: ApiKey, outcome: Outcome) -> None:
    """Store what a test said, unless the key was removed or replaced while it lasted."""
    status = outcome.status
    if key.status == KeyStatus.INVALID and status in _SAYS_NOTHING:
        status = KeyStatus.INVALID
    now = timezone.now()
    found: dict[str, Any] = {
        "status": status,
        "status_detail": outcome.detail[:500],
        "checked_at": now,
        "check_ms": outcome.ms,
        "updated_at": now,
    }
    if outcome.status == KeyStatus.VALID:
        # Any other outcome says nothing of the models, so the last list stays.
        found["models_offered"] = list(outcome.models)
    tested = ApiKey.objects.filter(pk=key.pk, fingerprint=key.fingerprint, base_url=key.base_url)
    if tested.update(**found):
        for name, value in found.items():
            setattr(key, name, value)
        record(Action.KEY_TESTED, owner=key.owner_id, subject=key, outcome=str(outcome.status), ms=outcome.ms)
