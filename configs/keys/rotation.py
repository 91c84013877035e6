"""Re-encrypt every stored key with the newest encryption key, in independent batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.machines import sharing
from agentforge.shared_secrets import VAULT
from configs.models import ApiKey

from . import vault


@dataclass
class Report:
    """The number of keys that were (or would be) rotated, were already current, or can't be read."""

    rotated: int = 0
    current: int = 0
    unreadable: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def rotate(
    *, apply: bool, batch_size: int = 200, stop: Callable[[], bool] = bool, progress: Callable[[Report], None]
) -> Report:
    """Rotate all keys, one transaction per batch; after an interruption, the next run does the rest."""
    keys = vault.encryption_keys()
    newest, box = Fernet(keys[0]), vault.box()
    report, after = Report(), 0
    while not stop():
        with transaction.atomic():
            batch: list[ApiKey] = list(
                ApiKey.objects.select_for_update().filter(pk__gt=after).order_by("pk")[:batch_size]
            )
            for key in batch:
                _rotate_one(key, newest, box, report, apply=apply)
        if not batch:
            break
        after = batch[-1].pk
        progress(report)
    if apply and not report.unreadable and not stop():
        sharing.keep_newest(VAULT)
    if apply:
        record(Action.KEYS_ROTATED, owner=None, rotated=report.rotated, unreadable=report.unreadable)
    return report


def _rotate_one(key: ApiKey, newest: Fernet, box: MultiFernet, report: Report, *, apply: bool) -> None:
    ciphertext = bytes(key.ciphertext)
    try:
        newest.decrypt(ciphertext)
    except InvalidToken:
        pass
    else:
        report.current += 1
        return
    try:
        rotated = box.rotate(ciphertext)
    except InvalidToken:
        report.unreadable += 1
        return
    report.rotated += 1
    if apply:
        # `updated_at` stays: nothing changes for the owner.
        ApiKey.objects.filter(pk=key.pk).update(ciphertext=rotated)
