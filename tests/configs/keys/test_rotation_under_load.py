"""Rotate the vault's keys again and again while people save, use and remove theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Semaphore

import pytest
from cryptography.fernet import Fernet
from django.db import connections, transaction
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.keys import rotation, vault
from configs.models import ApiKey
from configs.providers import PROVIDERS
from tests.drivers.database import is_waited_for
from tests.drivers.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)
CODES = [code for code in PROVIDERS if code != "local"]
ROUNDS = 3
# A round that never gets its turn fails, rather than hangs.
PATIENCE = 60


class Load:
    """Let threads work on keys until the rotation is over; each says when it has done a turn."""

    def __init__(self) -> None:
        self.over = Event()
        self.turns = Semaphore(0)
        self.last: dict[tuple[object, str], str] = {}

    def save(self, user: User) -> None:
        """Replace a person's keys, time and again."""
        for code, number in self._turns():
            self.last[user.pk, code] = f"{user.email} {code} {number}"
            vault.save_key(user, code, self.last[user.pk, code])

    def come_and_go(self, user: User) -> None:
        """Save a key and remove it, time and again; the last stays."""
        for code, number in self._turns():
            ApiKey.objects.filter(owner=user, provider=code).delete()
            self.last[user.pk, code] = f"{user.email} {code} {number}"
            vault.save_key(user, code, self.last[user.pk, code])

    def reveal(self, user: User) -> None:
        """Use a person's keys; none that is there may be unreadable or somebody else's."""
        for code, _ in self._turns():
            for key in ApiKey.objects.filter(owner=user, provider=code):
                assert vault.reveal(key, "a test").startswith(f"{user.email} {code} ")

    def _turns(self) -> Iterator[tuple[str, int]]:
        number = 0
        while not self.over.is_set():
            for code in CODES:
                yield code, number
            number += 1
            self.turns.release()


@contextmanager
def under(load: Load, *jobs: tuple[Callable[[User], None], User]) -> Iterator[None]:
    """Do jobs in threads of their own; what one of them raised is raised at the end."""

    def work(job: Callable[[User], None], user: User) -> None:
        try:
            job(user)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        running: list[Future[None]] = [pool.submit(work, *job) for job in jobs]
        try:
            yield
        finally:
            load.over.set()
    for job in running:
        job.result()


def test_nothing_is_lost(settings: Settings) -> None:
    ada, bert, cleo = (make_user(name) for name in ("ada", "bert", "cleo"))
    keys = [Fernet.generate_key().decode()]
    settings.AGENTFORGE_VAULT_KEYS = keys
    load = Load()

    def between_batches(report: rotation.Report) -> None:
        assert load.turns.acquire(timeout=PATIENCE)

    with under(load, (load.save, ada), (load.save, bert), (load.come_and_go, cleo), (load.reveal, ada),
               (load.reveal, cleo)):  # fmt: skip
        for _ in range(ROUNDS):
            keys = [Fernet.generate_key().decode(), *keys]
            settings.AGENTFORGE_VAULT_KEYS = keys
            report = rotation.rotate(apply=True, batch_size=2, progress=between_batches)
            assert report.unreadable == 0
    # What an older key encrypted just before the newest came is rotated now; then the newest is enough.
    rotation.rotate(apply=True, progress=lambda report: None)
    settings.AGENTFORGE_VAULT_KEYS = keys[:1]
    kept = {(key.owner_id, key.provider): vault.reveal(key, "a test") for key in ApiKey.objects.all()}
    assert kept == load.last
    assert len(kept) == 3 * len(CODES)


def test_a_save_that_is_under_way_wins(settings: Settings) -> None:
    ada = make_user("ada")
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    settings.AGENTFORGE_VAULT_KEYS = keys[1:]
    vault.save_key(ada, CODES[0], "before")
    settings.AGENTFORGE_VAULT_KEYS = keys

    def rotate() -> None:
        try:
            rotation.rotate(apply=True, progress=lambda report: None)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            vault.save_key(ada, CODES[0], "after")
            rotating = pool.submit(rotate)
            deadline = time.monotonic() + PATIENCE
            while not is_waited_for():
                assert time.monotonic() < deadline
        rotating.result()
    assert vault.reveal(ApiKey.objects.get(), "a test") == "after"
