from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from builds.compiler import inputs, runtime_packages, warmup
from builds.compiler.warmup import State


@pytest.fixture
def gathered(settings: Settings, tmp_path: Path) -> inputs.Inputs:
    settings.AGENTFORGE_GO_DIR = tmp_path
    return inputs.gather('{"provider": {"api": "openai"}}')


def test_builds_that_end_together_compile_the_packages_once(
    gathered: inputs.Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[list[str]] = []

    async def yield_to_the_others(_: inputs.Inputs, apis: list[str], key: str) -> None:
        compiled.append(apis)
        await asyncio.sleep(0)

    async def end_together() -> None:
        await asyncio.gather(*(runtime_packages.keep(gathered) for _ in range(4)))

    monkeypatch.setattr(runtime_packages, "_prepare", yield_to_the_others)
    asyncio.run(end_together())
    asyncio.run(end_together())
    assert len(compiled) == 1


def test_a_full_disk_takes_nothing_from_the_build(
    gathered: inputs.Inputs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(state: State) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(warmup, "write", full)
    asyncio.run(runtime_packages.keep(gathered))
    assert "could not be compiled in advance: The disk is full." in caplog.text
