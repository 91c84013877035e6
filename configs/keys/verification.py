"""Test users' keys at their providers, and store the outcome."""

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
from procrastinate.exceptions import AlreadyEnqueued

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs, require
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.queue import shares
from agentforge.queue.shares import Share
from agentforge.tenancy.rls import as_service
from configs.announcements import announce_account
from configs.choices import KeyStatus
from configs.models import ApiKey
from configs.providers import PROVIDERS, Outcome

from . import vault

TEST_TASK = "configs.test_key"
# Of keys and drafts.
CHECKS = Share("checks", "process", "MOST_RUNNING_CHECKS")
TESTED, RECHECKED = "tested", "tested again, as scheduled"
# Keys per round of the recheck.
BATCH = 50
# Inconclusive outcomes: an earlier refusal still holds.
_INCONCLUSIVE = (KeyStatus.UNREACHABLE, KeyStatus.RATE_LIMITED, KeyStatus.UNVERIFIED)


@dataclass(frozen=True)
class SavedKey:
    """The result of saving a key: a refused one is tested but not stored."""

    outcome: Outcome
    key: ApiKey | None


@performs(Act.TEST_KEY)
def test_and_save(owner: User, provider: str, plaintext: str, base_url: str, name: str) -> SavedKey:
    """Test a key and store it under a name; if its provider refuses it, the stored one stays."""
    # Before the test: who may not store a key learns nothing of it.
    require(Act.SAVE_KEY)
    outcome = PROVIDERS[provider].check(plaintext, base_url)
    if outcome.refused:
        record(Action.KEY_TESTED, owner=owner, provider=provider, outcome=str(outcome.status))
        return SavedKey(outcome, None)
    key = vault.save_key(owner, provider, plaintext, base_url, name=name)
    _store_outcome(key, outcome)
    return SavedKey(outcome, key)


@performs(Act.TEST_KEY)
def retest(key: ApiKey, purpose: str = TESTED) -> Outcome:
    """Test a stored key and store the outcome; `purpose` goes to its owner's audit log.

    Raises vault.KeyNeedsReentry.
    """
    outcome = PROVIDERS[key.provider].check(vault.reveal(key, purpose), key.base_url)
    _store_outcome(key, outcome)
    return outcome


@performs(Act.TEST_KEY)
def enqueue_tests(keys: Iterable[ApiKey], by: User) -> int:
    """Enqueue tests of stored keys for an operator; return the number of those not already enqueued."""
    return sum(_enqueue_test(key, TESTED, by) for key in keys)


def enqueue_rechecks(at: datetime) -> int:
    """Enqueue tests of keys whose last test is too old, and return their number.

    At most BATCH keys, the longest untested first, and only where a test is free. Keys that the vault can't
    read need their owners, and must not fill the batch.
    """
    if settings.KEY_RECHECK_HOURS <= 0:
        return 0
    since = at - timedelta(hours=settings.KEY_RECHECK_HOURS)
    free = [provider.code for provider in PROVIDERS.values() if provider.free_check]
    due = ApiKey.objects.annotate(seen=Coalesce("checked_at", "created_at")).filter(seen__lt=since)
    candidates = due.filter(provider__in=free).defer("models_offered").order_by("seen", "pk")
    return sum(_enqueue_test(key, RECHECKED) for key in islice(_readable(candidates), BATCH))


def _readable(keys: QuerySet[ApiKey]) -> Iterator[ApiKey]:
    # In pages: a consumer that takes only the first few would leave a database cursor open.
    start = 0
    while page := list(keys[start : start + BATCH]):
        yield from filter(vault.is_readable, page)
        start += len(page)


def _enqueue_test(key: ApiKey, purpose: str, by: User | None = None) -> bool:
    once = f"{TEST_TASK} {key.pk}"
    try:
        with transaction.atomic():
            shares.defer(CHECKS, TEST_TASK, key.owner_id, queueing_lock=once, key_id=key.pk, purpose=purpose)
            if by is not None:
                record(Action.KEY_TEST_ASKED, owner=key.owner_id, actor=by, subject=key)
    except AlreadyEnqueued:
        return False
    return True


def retest_stored(key_id: int, purpose: str) -> None:
    """Test a stored key; do nothing if it was removed or needs re-entry."""
    key: ApiKey | None = ApiKey.objects.filter(pk=key_id).first()
    # Keys of services are tested where their tools are listed.
    if key is not None and key.provider in PROVIDERS:
        with suppress(vault.KeyNeedsReentry):
            retest(key, purpose)


def _store_outcome(key: ApiKey, outcome: Outcome) -> None:
    """Store the outcome of a test, unless the key was removed or replaced in the meantime."""
    status = outcome.status
    if key.status == KeyStatus.INVALID and status in _INCONCLUSIVE:
        status = KeyStatus.INVALID
    now = timezone.now()
    values: dict[str, Any] = {
        "status": status,
        "status_detail": outcome.detail[:500],
        "checked_at": now,
        "check_ms": outcome.ms,
        "updated_at": now,
    }
    if outcome.status in (KeyStatus.VALID, KeyStatus.UNVERIFIED):
        # Other outcomes have no list of models, so the last one stays.
        values["models_offered"] = list(outcome.models)
    tested = ApiKey.objects.filter(pk=key.pk, fingerprint=key.fingerprint, base_url=key.base_url)
    with as_service():
        is_current = tested.update(**values)
    if is_current:
        for name, value in values.items():
            setattr(key, name, value)
        record(Action.KEY_TESTED, owner=key.owner_id, subject=key, outcome=str(outcome.status), ms=outcome.ms)
        announce_account(key.owner_id)
