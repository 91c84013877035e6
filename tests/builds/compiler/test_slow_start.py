"""A machine under load, or a log whose database is away, starts Go late."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from pathlib import Path

import pytest

from builds.compiler import compilation, inputs
from builds.compiler.workspace import work_directory
from builds.logs.build_log import BuildLog, Record
from configs.models import AgentConfig
from configs.revisions import canonical_json, configuration

# Go indexes packages whose files are older than this, and wants to store that (modindex, modTimeCutoff).
CUTOFF = 2.0


@pytest.mark.django_db
def test_sources_may_be_old_when_go_reads_them(agent: AgentConfig) -> None:
    document = canonical_json(configuration(agent))
    texts: list[str] = []

    def write(record: Record) -> None:
        texts.append(str(record.get("text")))
        if texts[-1].startswith("$ go build"):
            # The clock of the files is the system's: nothing else makes them older.
            threading.Event().wait(CUTOFF + 0.2)

    with tempfile.TemporaryDirectory(dir=work_directory()) as work:
        done = compilation.compile_agent(inputs.gather(document, "linux-amd64"), Path(work), BuildLog(write))
        assert asyncio.run(done).program.stat().st_size > 1_000_000, texts
