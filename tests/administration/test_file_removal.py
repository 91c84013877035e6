"""Operators remove files from a remote storage; no request waits for it with a connection."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from builds.artifacts import storage
from builds.artifacts.leases import LEASE
from builds.models import Artifact, Build, StoredFile
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers import people, queue_tick
from tests.drivers.slow_work import SlowWorkClient, slow_work_noted
from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/builds/build/"


def test_removing_files_holds_no_connection(settings: Settings, tmp_path: Path) -> None:
    alice, olga = people.make_user("alice"), people.make_user("olga", operator=True)
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", provider="local", model="m")
    build = enqueue_build(agent, by=alice)
    Build.objects.filter(pk=build.pk).update(status="succeeded", finished_at=timezone.now())
    with SupabaseStorageStandIn() as service, slow_work_noted():
        settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(service)}
        settings.VAR_DIR = tmp_path
        for data in (b"its own", b"of another one too"):
            sha256 = storage.put(data)
            Artifact.objects.create(owner=alice, build=build, name=data.decode(), sha256=sha256, size=7)
        # Who begins with the same bytes again leases them.
        age_leases(but=sha256)
        service.asked.clear()
        client = SlowWorkClient()
        people.sign_in(client, olga)
        page = client.post(LIST, {"action": "expire", "_selected_action": [str(build.pk)]}, follow=True)
        assert "Files removed: 1." in page.content.decode()
        assert client.held == []
        assert not Artifact.objects.exists()
        queue_tick.strike("builds.recover", datetime.now(UTC))
        assert list(service.objects.values()) == [b"of another one too"]


def age_leases(*, but: str) -> None:
    """Let all bytes but these be unused for long."""
    StoredFile.objects.exclude(pk=but).update(used_at=timezone.now() - 2 * LEASE)
