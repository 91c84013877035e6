"""Programs of the sources, which nothing warms up before they are compiled for the first time."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from builds.compiler import go_command, sources, toolchain
from builds.compiler.shared_program import INDEXER
from builds.compiler.workspace import work_directory
from builds.logs.build_log import BuildLog
from tests.drivers.agent_sources import copy_of_the_sources


def test_it_may_take_longer_than_a_build(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = copy_of_the_sources(tmp_path / "agent")
    with (tmp_path / "agent" / "indexer" / "main.go").open("a") as file:
        file.write(f"\n// {uuid4()}\n")
    chain = toolchain.find()
    limits = go_command.COMPILE_LIMITS[chain.cc_kind]
    monkeypatch.setitem(go_command.COMPILE_LIMITS, chain.cc_kind, replace(limits, seconds=0))
    with tempfile.TemporaryDirectory(dir=work_directory()) as work:
        log = BuildLog(lambda record: None)
        compiled = asyncio.run(INDEXER.get_or_compile(chain, sources.read(), Path(work), log))
    assert compiled.stat().st_size > 1_000_000
    compiled.unlink()
    compiled.with_suffix(".sha256").unlink()
