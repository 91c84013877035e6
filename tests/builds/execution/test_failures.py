"""Break builds: in the sources, in the middle, and by killing their worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds import recovery
from builds.artifacts import storage
from builds.models import Artifact, Build
from builds.reports import transcript
from builds.services import cancel_build, enqueue_build
from configs.models import AgentConfig
from tests.drivers.agent_sources import copy_of_the_sources, count_as_warm, slow_sources
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess, let_hearts_stop

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]


@pytest.fixture
def slow(tmp_path: Path, settings: Settings) -> Path:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    return Path(settings.AGENTFORGE_AGENT_SOURCES)


def test_the_message_of_the_compiler_is_shown(
    browser: Client, agent: AgentConfig, alice: User, work: Work, tmp_path: Path, settings: Settings
) -> None:
    broken = copy_of_the_sources(tmp_path / "agent")
    with (broken / "bundle.go").open("a") as file:
        file.write("\nvar forgotten int = undefinedName\n")
    settings.AGENTFORGE_AGENT_SOURCES = broken
    count_as_warm()
    build = enqueue_build(agent, by=alice)
    work()
    build.refresh_from_db()
    assert (build.status, build.per_target.get().exit_code) == ("failed", 1)
    assert "undefined: undefinedName" in build.error
    assert not Artifact.objects.exists()
    assert any(
        line["stream"] == "err" and "undefinedName" in line["text"] for line in transcript(build).lines
    )
    page = browser.get(build.get_absolute_url()).content.decode()
    assert "undefined: undefinedName" in page
    assert "Nothing was stored" in page


def test_a_plugin_of_another_agent_is_refused(
    agent: AgentConfig, alice: User, work: Work, tmp_path: Path, settings: Settings
) -> None:
    wrong = copy_of_the_sources(tmp_path / "agent")
    bundle = wrong / "bundle.go"
    eve = 'return []byte(`{"schema": 1, "name": "Eve"}`)'
    bundle.write_text(bundle.read_text().replace("return assemble().Manifest()", eve))
    settings.AGENTFORGE_AGENT_SOURCES = wrong
    count_as_warm()
    build = enqueue_build(agent, by=alice)
    work()
    build.refresh_from_db()
    assert build.status == "failed"
    assert "not the requested agent: name" in build.error


def test_a_damaged_file_is_not_taken_from_the_cache(
    build: Build, agent: AgentConfig, alice: User, work: Work
) -> None:
    plugin = build.artifacts.get(name="ada.so")
    path = storage.path_of(plugin.sha256)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    again = enqueue_build(agent, by=alice)
    work()
    again.refresh_from_db()
    assert (again.status, again.from_cache) == ("succeeded", False)
    assert path.read_bytes() == whole


def test_a_queued_build_is_cancelled_at_once(
    browser: Client, agent: AgentConfig, alice: User, work: Work
) -> None:
    build = enqueue_build(agent, by=alice)
    browser.post(reverse("builds:cancel", args=[build.pk]))
    build.refresh_from_db()
    assert build.status == "cancelled"
    work()
    build.refresh_from_db()
    assert (build.status, build.started_at) == ("cancelled", None)


def test_a_running_build_is_cancelled_when_its_compiler_is_dead(
    agent: AgentConfig, alice: User, slow: Path
) -> None:
    build = enqueue_build(agent, by=alice)
    with WorkerProcess() as worker:
        wait_for(build.stream_name, _compiling)
        assert worker.compilers()
        cancel_build(build, by=alice)
        wait_for(build.stream_name, lambda record: record["kind"] == "end")
        assert not worker.compilers()
    build.refresh_from_db()
    assert build.status == "cancelled"
    assert not Artifact.objects.exists()


def test_a_build_is_restarted_once_after_its_worker_died(
    agent: AgentConfig, alice: User, slow: Path, work: Work, settings: Settings
) -> None:
    build = enqueue_build(agent, by=alice)
    _kill_worker_in(build)
    assert recovery.recover() == 0
    let_hearts_stop()
    assert recovery.recover() == 1
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("queued", 1)
    settings.AGENTFORGE_AGENT_SOURCES = live_settings.BASE_DIR / "agent"
    work()
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("succeeded", 2)
    log = transcript(build)
    assert [line for line in log.lines if "attempt 2 of 2" in line["text"]]


def test_a_second_dead_worker_fails_the_build(agent: AgentConfig, alice: User, slow: Path) -> None:
    build = enqueue_build(agent, by=alice)
    for _ in range(2):
        _kill_worker_in(build)
        let_hearts_stop()
        assert recovery.recover() == 1
        build.refresh_from_db()
    assert build.status == "failed"
    # Nothing of what is kept: another target may have succeeded before.
    assert build.error == "The worker died 2 times while it ran this build."
    assert transcript(build).ended


def test_a_worker_that_hung_writes_nothing_into_the_next_attempt(
    agent: AgentConfig, alice: User, slow: Path
) -> None:
    build = enqueue_build(agent, by=alice)
    with WorkerProcess() as worker:
        wait_for(build.stream_name, _compiling)
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            let_hearts_stop()
            assert recovery.recover() == 1
            taken_over = transcript(build).position
        finally:
            os.kill(worker.pid, signal.SIGCONT)
        # It gives the first attempt up, and takes the next.
        record = wait_for(build.stream_name, lambda record: record["kind"] != "queue", after=taken_over)
        assert (record["kind"], record.get("status")) == ("status", "running")
        assert wait_for(build.stream_name, _compiling, after=taken_over)


def _compiling(record: dict[str, Any]) -> bool:
    """Return whether a record names the package that is being compiled."""
    return str(record.get("text", "")).endswith("/sse")


def _kill_worker_in(build: Build) -> None:
    """Start a worker process, and kill it while it compiles."""
    before = transcript(build).position
    with WorkerProcess() as worker:
        wait_for(build.stream_name, _compiling, after=before)
        worker.kill()
