"""Concurrent identical builds in two real workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.execution import single_flight
from builds.models import Build
from builds.reports import transcript
from builds.services import cancel_build, enqueue_build
from configs.models import AgentConfig
from tests.drivers.agent_sources import copy_of_the_sources, count_as_warm, slow_sources
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


def _compiling(record: dict[str, Any]) -> bool:
    return str(record.get("text", "")).endswith("/sse")


def _joining(record: dict[str, Any]) -> bool:
    return "is compiling the same" in str(record.get("text", ""))


def _ended(record: dict[str, Any]) -> bool:
    return bool(record["kind"] == "end")


def _lines(build: Build) -> str:
    return "\n".join(line["text"] for line in transcript(build).lines)


@pytest.fixture
def sources(tmp_path: Path, settings: Settings) -> Path:
    """Sources that are not compiled yet: they contain their path."""
    settings.AGENTFORGE_AGENT_SOURCES = copy = copy_of_the_sources(tmp_path / "agent")
    with (copy / "bundle.go").open("a") as file:
        file.write(f"\n// {tmp_path}\n")
    count_as_warm()
    return copy


def test_the_second_waits_and_takes_the_files_of_the_first(
    agent: AgentConfig, alice: User, sources: Path
) -> None:
    builds = [enqueue_build(agent, by=alice) for _ in range(2)]
    with WorkerProcess(), WorkerProcess():
        for build in builds:
            wait_for(build.stream_name, _ended)
    for build in builds:
        build.refresh_from_db()
        assert build.status == "succeeded", _lines(build)
    assert sorted(build.from_cache for build in builds) == [False, True]
    hashes = [dict(build.artifacts.values_list("name", "sha256")) for build in builds]
    assert hashes[0] == hashes[1]


def test_a_waiting_build_goes_on_when_the_other_is_cancelled(
    agent: AgentConfig, alice: User, tmp_path: Path, settings: Settings
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    first = enqueue_build(agent, by=alice)
    with WorkerProcess(), WorkerProcess():
        wait_for(first.stream_name, _compiling)
        second = enqueue_build(agent, by=alice)
        record = wait_for(second.stream_name, _joining)
        assert record["text"].startswith(f"Build {first.pk} is compiling the same")
        cancel_build(first, by=alice)
        wait_for(first.stream_name, _ended)
        wait_for(second.stream_name, _compiling)
        cancel_build(second, by=alice)
        wait_for(second.stream_name, _ended)
    for build in (first, second):
        build.refresh_from_db()
        assert build.status == "cancelled"


def test_cancelling_the_waiting_build_leaves_the_other_alone(
    agent: AgentConfig, alice: User, tmp_path: Path, settings: Settings
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    first = enqueue_build(agent, by=alice)
    with WorkerProcess(), WorkerProcess():
        wait_for(first.stream_name, _compiling)
        second = enqueue_build(agent, by=alice)
        wait_for(second.stream_name, _joining)
        cancel_build(second, by=alice)
        wait_for(second.stream_name, _ended)
        first.refresh_from_db()
        assert first.status == "running"
        cancel_build(first, by=alice)
        wait_for(first.stream_name, _ended)


async def test_the_lock_is_released_with_its_connection() -> None:
    async def never() -> None:
        raise AssertionError("the lock is held")

    digest = "f" * 64
    async with single_flight.lock(digest, never):
        pass
    async with single_flight.lock(digest, never):
        pass
    assert single_flight.lock_key(digest) == -1
