"""Compilers of one machine take turns, over all its workers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.compiler import processors, sources, toolchain, warmup
from builds.logs.build_log import BuildLog, Record
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.agent_sources import count_as_warm, slow_sources
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import TOOLS, WorkerProcess, running_named, wait_for_descendants

WAITS = "Waits for a free processor: this machine runs at most one compiler at once."


@pytest.fixture(autouse=True)
def _own_processors(settings: Settings, tmp_path: Path) -> None:
    settings.MOST_COMPILERS = 1
    settings.AGENTFORGE_PROCESSORS_DIR = tmp_path / "processors"


@pytest.mark.django_db(transaction=True)
def test_two_workers_compile_one_after_the_other(
    agent: AgentConfig, alice: User, browser: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    place = str(settings.AGENTFORGE_PROCESSORS_DIR)
    with WorkerProcess(MOST_COMPILERS="1", AGENTFORGE_PROCESSORS_DIR=place) as first:
        _compiling(enqueue_build(agent, by=alice))
        with WorkerProcess(MOST_COMPILERS="1", AGENTFORGE_PROCESSORS_DIR=place) as second:
            AgentConfig.objects.filter(pk=agent.pk).update(description="Another agent.")
            waiting = enqueue_build(agent, by=alice)
            wait_for(waiting.stream_name, lambda record: record.get("text") == WAITS)
            assert WAITS in browser.get(f"/builds/{waiting.pk}/").content.decode()
            wait_for_descendants(first.pid)
            assert not running_named(second.pid, *TOOLS)
            # Whatever dies gives its processor back.
            first.kill()
            _compiling(waiting)
            wait_for_descendants(second.pid)


def test_those_who_wait_get_their_turns_in_order() -> None:
    order: list[int] = []

    async def take(number: int, waits: asyncio.Event) -> None:
        async with processors.one(_log(waits)):
            order.append(number)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as tasks, processors.one(_log()):
            for number in range(4):
                waits = asyncio.Event()
                tasks.create_task(take(number, waits))
                await waits.wait()

    asyncio.run(all_of_them())
    assert order == [0, 1, 2, 3]


def test_who_gives_up_waiting_holds_nobody_up(settings: Settings) -> None:
    async def take(waits: asyncio.Event) -> None:
        async with processors.one(_log(waits)):
            pass

    async def give_up() -> None:
        async with processors.one(_log()):
            waits = asyncio.Event()
            impatient = asyncio.create_task(take(waits))
            await waits.wait()
            impatient.cancel()
            await asyncio.wait([impatient])
        async with asyncio.timeout(60), processors.one(_log()):
            pass

    asyncio.run(give_up())
    directory = Path(settings.AGENTFORGE_PROCESSORS_DIR)
    assert [path.name for path in directory.iterdir()] == ["door"]


def test_a_warm_up_takes_its_turn(settings: Settings, tmp_path: Path) -> None:
    settings.AGENTFORGE_GO_DIR = tmp_path / "go"

    async def warm() -> None:
        async with processors.one(_log()):
            waits = asyncio.Event()
            warming = asyncio.create_task(warmup.ensure(toolchain.find(), sources.read(), _log(waits)))
            async with asyncio.timeout(60):
                await waits.wait()
            warming.cancel()
            await asyncio.wait([warming])

    asyncio.run(warm())
    assert warmup.latest().state == warmup.COLD


def test_a_compiler_uses_no_more_threads_than_processors(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("50000 100000\n")
    monkeypatch.setattr(processors, "_QUOTA", quota)
    environment = toolchain.find().environment(cache=tmp_path, home=tmp_path)
    assert environment["GOMAXPROCS"] == "1"


def test_go_never_indexes_the_sources_of_an_agent(tmp_path: Path) -> None:
    """It would write the index into the cache, which builds only read."""
    sources.lay_out_alone(tmp_path, sources.read(), "host")
    an_hour_later = time.time() + 3600
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if path.stat().st_mtime < an_hour_later]


def _compiling(build: Build) -> None:
    wait_for(build.stream_name, lambda record: str(record.get("text", "")).endswith("/sse"))


def _log(waits: asyncio.Event | None = None) -> BuildLog:
    """Return a log that tells when a processor is waited for."""

    def write(record: Record) -> None:
        if waits is not None and record.get("text") == WAITS:
            waits.set()

    return BuildLog(write)
