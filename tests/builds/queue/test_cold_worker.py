"""A worker of a new machine takes no builds before its cache of Go is warm."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.worker_liveness import any_worker_alive, any_worker_preparing
from builds.compiler import sources, toolchain, warmup
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.build_worker import WorkerProcess
from tests.queue.test_workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cold_worker_takes_no_builds_and_says_so(
    agent: AgentConfig, alice: User, browser: Client, tmp_path: Path
) -> None:
    build = enqueue_build(agent, by=alice)
    with WorkerProcess(queues="builds,upkeep", AGENTFORGE_GO_DIR=str(tmp_path / "go")):
        wait_until(lambda: any_worker_preparing("builds") and any_worker_alive("upkeep"))
        assert not any_worker_alive("builds")
        build.refresh_from_db()
        assert build.status == "queued"
        page = browser.get(build.get_absolute_url()).content.decode()
        assert "Next in the queue; a worker is getting ready for it" in page
        served = browser.get("/readyz/workers/builds")
        assert served.status_code == 503
        assert served.json()["queues"]["builds"]["state"] == "warning"


def test_it_is_warmed_beforehand(settings: Settings, tmp_path: Path) -> None:
    settings.AGENTFORGE_GO_DIR = tmp_path / "go"
    key = warmup.cache_key(toolchain.find(), sources.read())
    warmup.write(warmup.State(warmup.FAILED, key, error="The disk is full."))
    with pytest.raises(CommandError, match="The disk is full"):
        call_command("warm")
    warmup.write(warmup.State(warmup.WARM, key))
    call_command("warm")
