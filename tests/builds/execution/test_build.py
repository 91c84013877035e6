from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.artifacts import storage
from builds.execution import runner, transitions
from builds.models import Build
from builds.reports import transcript
from builds.services import enqueue_build
from configs.models import AgentConfig

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_build_ends_with_verified_files(build: Build) -> None:
    log = transcript(build)
    assert build.status == "succeeded", "\n".join(line["text"] for line in log.lines)
    files = {file.name: file for file in build.artifacts.all()}
    assert set(files) == {
        *("ada.so", "agentforge-host", "manifest.json", "README.md", "LICENSES", "SHA256SUMS"),
        *("sbom.cdx.json", "provenance.dsse.json", "forge.pub"),
    }
    assert all(storage.holds(file.sha256) for file in files.values())
    assert log.ended
    assert [step["state"] for step in build.per_target.get().steps] == ["done"] * 5


def test_a_build_ends_in_one_step_with_its_last_target(build: Build) -> None:
    *_, last = streams.chunks(build.stream_name)
    assert [record["kind"] for _, record in last.records_after(0)] == ["target", "status", "end"]


def test_a_log_that_is_not_stored_soon_does_not_hold_the_outcome_back(
    agent: AgentConfig, alice: User, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "FLUSH_PATIENCE", 0)
    build = enqueue_build(agent, by=alice)
    work()
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    kinds = [record["kind"] for _, record in streams.read(build.stream_name)]
    assert (kinds.count("section"), kinds[-2:]) == (2, ["status", "end"])


def test_a_build_that_was_deferred_after_its_worker_stopped_is_built(
    agent: AgentConfig, alice: User, work: Callable[[], None], settings: Settings
) -> None:
    settings.MOST_RUNNING_BUILDS = 1
    build, other = (enqueue_build(agent, by=alice) for _ in range(2))
    assert transitions.claim(build.pk, build.job_id or 0)
    assert transitions.requeue(build.pk, build.job_id or 0, why="Stopped", attempt_counts=False)
    # The other one takes its place.
    assert transitions.claim(other.pk, other.job_id or 0)
    build.refresh_from_db()
    requeued = build.job_id or 0
    assert transitions.claim(build.pk, requeued) is None
    build.refresh_from_db()
    assert build.job_id != requeued
    assert transitions.requeue(other.pk, other.job_id or 0, why="Stopped", attempt_counts=False)
    work()
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("succeeded", 1)
