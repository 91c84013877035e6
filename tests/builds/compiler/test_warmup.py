from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from builds.compiler import sources, toolchain, warmup
from builds.compiler.go_command import cache_directory
from builds.compiler.shared_program import INDEXER
from builds.logs.build_log import BuildLog

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def _own_cache(settings: Settings, tmp_path: Path) -> None:
    settings.AGENTFORGE_GO_DIR = tmp_path / "go"


def _recorded(state: str, *, age: float, key: str = "a") -> warmup.State:
    warmup.write(warmup.State(state, key))
    return replace(warmup.state(key), at=time.time() - age)


def test_a_new_installation_of_go_needs_a_new_cache(tmp_path: Path) -> None:
    version = tmp_path / "VERSION"
    version.write_text("go1")
    chain = replace(toolchain.find(), goroot=tmp_path)
    first = warmup.cache_key(chain, sources.read())
    assert warmup.cache_key(chain, sources.read()) == first
    os.utime(version, (1, 1))
    assert warmup.cache_key(chain, sources.read()) != first


def test_a_warm_cache_is_refreshed_after_a_day() -> None:
    assert _recorded(warmup.WARM, age=DAY - 60).settled
    assert not _recorded(warmup.WARM, age=DAY + 60).settled
    assert not _recorded(warmup.WARMING, age=0).settled


def test_a_cache_that_lost_files_is_not_warm() -> None:
    _recorded(warmup.WARM, age=0)
    some = cache_directory() / "00" / "file"
    some.parent.mkdir()
    some.write_bytes(b"x" * 100)
    assert warmup.prune(100) == 0
    assert warmup.state("a").settled
    assert warmup.prune(99) == 100
    assert not warmup.state("a").settled


def test_a_progress_without_a_measure_names_none() -> None:
    counting = warmup.State(warmup.WARMING)
    assert warmup.progress(counting) == "Go's cache is being warmed"
    assert warmup.progress(replace(counting, done=3, total=9)).endswith("warmed, 3 of about 9 packages")


def test_the_measured_time_begins_after_the_counting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AGENTFORGE_GO_DIR = Path(os.environ["AGENTFORGE_GO_DIR"])
    counted, states, count, write = [], [], warmup._count, warmup.write

    async def count_and_note(*arguments: Any) -> int:
        total = await count(*arguments)
        counted.append(time.time())
        return total

    def write_and_keep(state: warmup.State) -> None:
        states.append(state)
        write(state)

    monkeypatch.setattr(warmup, "_count", count_and_note)
    monkeypatch.setattr(warmup, "write", write_and_keep)
    log = BuildLog(lambda events: None)
    asyncio.run(warmup._warm(toolchain.find(cgo=False), sources.read(), "a", log, INDEXER.name))
    log.close()
    measured = [state for state in states if state.total]
    assert states[-1].state == warmup.WARM
    assert min(state.started for state in measured) >= counted[0]
