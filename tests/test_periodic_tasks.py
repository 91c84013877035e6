"""Each periodic task through the queue: its schedule strikes, a worker runs it, and its effect is seen."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.keys import vault
from configs.models import AgentConfig, ApiKey, ProcessRun
from tests.drivers.queue_tick import strike
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)

# Jobs that do not exist any more, as after a worker's end.
GONE = 999_999_999


def test_configs_recheck_keys(alice: User, settings: Settings) -> None:
    with OpenAIStandIn() as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        key = vault.save_key(alice, "openai", server.key)
        now = datetime.now(UTC).replace(minute=20, second=3)
        ApiKey.objects.filter(pk=key.pk).update(checked_at=now - timedelta(days=9))
        strike("configs.recheck_keys", now, "process")
    key.refresh_from_db()
    assert key.status == "valid"
    assert server.asked[0].path == "/v1/models"


def test_configs_recover(alice: User) -> None:
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada")
    run = ProcessRun.objects.create(owner=alice, agent=agent, status="running", job_id=GONE)
    strike("configs.recover", datetime.now(UTC))
    run.refresh_from_db()
    assert run.status == "failed"


def test_accounts_remove_guests(alice: User, settings: Settings) -> None:
    settings.GUEST_MINUTES = 60
    Client().post("/accounts/guest/")
    ended = User.objects.filter(guest_until__isnull=False)
    for minutes, left in ((0, 2), (2, 1)):
        # Who has just begun to sign up is not removed meanwhile.
        ended.update(guest_until=timezone.now() - timedelta(minutes=minutes))
        strike("accounts.remove_guests", datetime.now(UTC).replace(second=3) + timedelta(minutes=minutes))
        assert User.objects.count() == left
    assert User.objects.get().email == alice.email


def test_builds_tidy(settings: Settings, tmp_path: Path) -> None:
    settings.AGENTFORGE_GO_DIR = tmp_path
    file = tmp_path / "cache" / "ab" / "large"
    file.parent.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(3 * 1024**3)
    kept = {}
    for directory, seconds in (("plans", 24 * 3600), ("knowledge", 3600)):
        (tmp_path / directory).mkdir()
        for name, age in (("new", seconds - 600), ("old", seconds + 600)):
            kept[f"{directory}/{name}"] = tmp_path / directory / name
            kept[f"{directory}/{name}"].touch()
            os.utime(kept[f"{directory}/{name}"], times=(0, time.time() - age))
    strike("builds.tidy", datetime.now(UTC).replace(minute=17, second=3))
    assert not file.exists()
    assert [name for name, path in kept.items() if path.exists()] == ["plans/new", "knowledge/new"]


def test_builds_prune() -> None:
    past = timezone.now() - timedelta(days=1)
    Session.objects.create(session_key="expired", session_data="", expire_date=past)
    Session.objects.create(session_key="current", session_data="", expire_date=timezone.now() + timedelta(1))
    strike("builds.prune", datetime.now(UTC).replace(minute=43, second=3))
    assert [session.session_key for session in Session.objects.all()] == ["current"]
