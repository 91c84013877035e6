"""Compilers wait for people."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.compiler.priority import NICENESS
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.agent_sources import count_as_warm, slow_sources
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import TOOLS, WorkerProcess, running_named

pytestmark = pytest.mark.django_db(transaction=True)


def test_compilers_have_a_lower_priority_than_the_worker(
    agent: AgentConfig, alice: User, settings: Settings, tmp_path: Path
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    build: Build = enqueue_build(agent, by=alice)
    with WorkerProcess() as worker:
        wait_for(build.stream_name, lambda record: str(record.get("text", "")).endswith("/sse"))
        # As nice as this run, which somebody may have started behind other work.
        niceness = psutil.Process(worker.pid).nice()
        assert niceness == os.nice(0)
        looked_at = 0
        for process in running_named(worker.pid, *TOOLS):
            # Compilers come and go.
            with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                _assert_yields(process, min(19, niceness + NICENESS))
                looked_at += 1
        assert looked_at


def _assert_yields(process: psutil.Process, niceness: int) -> None:
    assert process.nice() == niceness
    assert (process.ionice().ioclass, process.ionice().value) == (psutil.IOPRIO_CLASS_BE, 7)
    group = Path(f"/proc/{process.pid}/autogroup")
    if group.exists():
        assert group.read_text().split()[-1] == str(NICENESS)
