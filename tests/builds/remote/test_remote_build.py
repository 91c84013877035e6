"""Builds at a real builder: another process with another database."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.compiler import compilation, toolchain
from builds.compiler.inputs import Compiled, Inputs
from builds.errors import ToolchainMissing
from builds.models import Build
from builds.remote.messages import PIECE_BYTES
from builds.remote.models import RemoteChunk, RemoteFile, RemoteJob, RemotePiece
from builds.reports import transcript
from builds.services import cancel_build, enqueue_build
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.drivers.agent_sources import copy_of_the_sources, count_as_warm, slow_sources
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess, running_descendants, wait_for_descendants

from .builder import SECRET
from .conftest import NAME, Pair

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
PLANTED = "sk-planted-0123456789-abcdefghij"


def wanting(agent: AgentConfig, by: User, builder: str) -> Build:
    build = enqueue_build(agent, by=by)
    Build.objects.filter(pk=build.pk).update(wanted_builder=builder)
    return build


def built(build: Build) -> tuple[str, str]:
    """Return a build's status and its builder."""
    build.refresh_from_db()
    return build.status, build.per_target.get().builder


def files(build: Build) -> dict[str, str]:
    return dict(build.artifacts.values_list("name", "sha256"))


def marks(build: Build) -> str:
    return "\n".join(line["text"] for line in transcript(build).lines if line.get("mark"))


def local_files(agent: AgentConfig, by: User, work: Work) -> dict[str, str]:
    """Return the files of the same agent, compiled by this machine."""
    here = wanting(agent, by, "local")
    work()
    assert built(here) == ("succeeded", "local")
    return files(here)


_OLD_ROWS = """
from datetime import timedelta
from uuid import uuid4
from django.utils import timezone
from builds.builder.models import Job
from builds.remote.models import SeenMessage
for name, days in (("old", 2), ("new", 0)):
    at = timezone.now() - timedelta(days)
    times = {"created_at": at, "ended_at": at}
    Job.objects.create(key=uuid4(), build=1, target="plugin", document=name, state="closed", **times)
    SeenMessage.objects.create(webhook_id=name, seen_at=at)
"""
_STRIKE = """
from datetime import UTC, datetime, timedelta
from tests.drivers.queue_tick import strike
# The builder's own worker may have struck this hour's already.
strike("builder.prune", datetime.now(UTC).replace(minute=23, second=3) + timedelta(hours=1))
"""


def test_the_bytes_are_those_of_a_local_build_and_no_key_crosses(
    pair: Pair, agent: AgentConfig, alice: User, work: Work
) -> None:
    save_key(alice, "openai", PLANTED)
    there = wanting(agent, alice, NAME)
    work()
    assert built(there) == ("succeeded", NAME), there.error
    assert marks(there) == "Built by iron: it was asked for."
    assert files(there) == local_files(agent, alice, work)
    crossed = b"".join(pair.to_builder.crossed + pair.to_forge.crossed)
    assert b'"kind":"job"' in crossed
    assert b'"kind":"piece"' in crossed
    for form in (PLANTED.encode(), base64.b64encode(PLANTED.encode()), PLANTED.encode().hex().encode()):
        assert form not in crossed
    assert SECRET.encode() not in crossed
    # Nothing remains, neither in the forge's database nor at the builder.
    assert not RemotePiece.objects.exists()
    assert not RemoteChunk.objects.exists()
    assert pair.builder.rows("SELECT count(*) FROM builder_service_entry") == [(0,)]


def test_what_a_dead_worker_left_goes_with_its_build(agent: AgentConfig, alice: User, work: Work) -> None:
    """It died between the end of the builder's work and the fetching of the files."""
    again = wanting(agent, alice, "local")
    job = RemoteJob.objects.create(
        build=again, target="plugin", builder=NAME, state=RemoteJob.State.SUCCEEDED, ended_at=timezone.now()
    )
    RemoteChunk.objects.create(job=job, sequence=0, records=[])
    file = RemoteFile.objects.create(job=job, name="program", sha256="0" * 64, size=1, received=1)
    RemotePiece.objects.create(file=file, offset=0, data=b"x")
    work()
    assert built(again) == ("succeeded", "local")
    assert not RemotePiece.objects.exists()
    assert not RemoteChunk.objects.exists()


def test_a_builder_that_dies_in_the_middle_goes_on(
    pair: Pair, agent: AgentConfig, alice: User, work: Work
) -> None:
    states: list[object] = []

    def kill(body: bytes) -> None:
        if not states and b'"kind":"log"' in body:
            states.extend(pair.builder.rows("SELECT state FROM builder_service_job ORDER BY id DESC LIMIT 1"))
            pair.builder.kill()
            pair.builder.start()

    pair.to_forge.gate = kill
    there = wanting(agent, alice, NAME)
    work()
    assert states == [("running",)]
    assert built(there) == ("succeeded", NAME), there.error
    assert "The builder was restarted; it compiles again, attempt 2 of 2" in marks(there)
    assert files(there) == local_files(agent, alice, work)


def test_an_upload_goes_on_when_the_forge_was_killed(
    pair: Pair, agent: AgentConfig, alice: User, work: Work
) -> None:
    offsets: list[int] = []

    def kill(body: bytes) -> None:
        message = json.loads(body)
        if message["kind"] == "piece" and message["name"] == "program":
            offsets.append(message["offset"])
            if len(offsets) == 4:
                pair.restart_web()

    pair.to_forge.gate = kill
    there = wanting(agent, alice, NAME)
    work()
    assert built(there) == ("succeeded", NAME), there.error
    # None again from the beginning; the one during which the forge was away may be sent twice.
    assert offsets == sorted(offsets)
    assert len(set(offsets)) > 4
    assert files(there) == local_files(agent, alice, work)


def test_files_of_an_agent_are_fetched_piece_by_piece(
    pair: Pair, agent: AgentConfig, alice: User, work: Callable[..., None], browser: Client
) -> None:
    """The web process is killed before it answers for the first time."""
    articles = (f"Article {number}. Whoever keeps {number} geese may sell eggs." for number in range(25_000))
    added = {"added": SimpleUploadedFile("law.md", "\n\n".join(articles).encode())}
    url = reverse("configs:file_add", args=[agent.pk])
    assert browser.post(url, added, headers={"accept": "application/json"}).status_code == 201
    work("process")
    agent.refresh_from_db()
    assert [(file["name"], file["state"]) for file in agent.knowledge] == [("law.md", "ready")]
    asked: list[int] = []

    def kill(body: bytes) -> None:
        message = json.loads(body)
        if message["kind"] == "text":
            asked.append(message["offset"])
            if len(asked) == 1:
                pair.restart_web()

    pair.to_forge.gate = kill
    there = wanting(agent, alice, NAME)
    work()
    assert built(there) == ("succeeded", NAME), there.error
    assert asked[0] == 0
    assert PIECE_BYTES in asked
    assert files(there) == local_files(agent, alice, work)


def test_cancelled_is_what_the_builder_confirmed(
    pair: Pair, agent: AgentConfig, alice: User, tmp_path: Path, settings: Settings
) -> None:
    sources = slow_sources(tmp_path / "agent")
    settings.AGENTFORGE_AGENT_SOURCES = sources
    count_as_warm()
    pair.builder.restart(AGENTFORGE_AGENT_SOURCES=str(sources))
    pair.to_builder.target = pair.builder.url
    try:
        there = wanting(agent, alice, NAME)
        with WorkerProcess(AGENTFORGE_BUILDERS=json.dumps(settings.AGENTFORGE_BUILDERS)):
            wait_for(there.stream_name, lambda record: "$ go build" in str(record.get("text")))
            wait_for_descendants(pair.builder.worker.pid)
            cancel_build(there, by=alice)
            wait_for(there.stream_name, lambda record: record["kind"] == "end")
            assert not running_descendants(pair.builder.worker.pid)
    finally:
        pair.builder.restart(AGENTFORGE_AGENT_SOURCES=str(settings.BASE_DIR / "agent"))
        pair.to_builder.target = pair.builder.url
    assert built(there) == ("cancelled", NAME)
    assert not there.artifacts.exists()


def test_without_a_compiler_of_its_own_the_forge_asks_the_builder(
    pair: Pair, agent: AgentConfig, alice: User, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(toolchain, "_goroot", _nothing)
        toolchain.find.cache_clear()
        there = enqueue_build(agent, by=alice)
        work()
    toolchain.find.cache_clear()
    assert built(there) == ("succeeded", NAME), there.error
    assert "this forge can't compile it: Go is not installed here" in marks(there)
    assert files(there) == local_files(agent, alice, work)


def _nothing() -> Path:
    raise ToolchainMissing("Go is not installed here.")


def test_what_takes_too_long_here_is_built_there(
    pair: Pair, agent: AgentConfig, alice: User, work: Work, settings: Settings
) -> None:
    settings.AGENTFORGE_LOCAL_SECONDS = 0.001
    there = enqueue_build(agent, by=alice)
    work()
    assert built(there) == ("succeeded", NAME), there.error
    assert "this forge's own compiler took longer than 0.001 s" in marks(there)


def test_what_took_too_long_here_is_not_stored(
    pair: Pair,
    agent: AgentConfig,
    alice: User,
    work: Work,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.AGENTFORGE_LOCAL_SECONDS = 60
    compile_here = compilation.compile_agent

    async def compile_too_slowly(inputs: Inputs, place: Path, *rest: Any, **named: Any) -> Compiled:
        compiled = await compile_here(inputs, place, *rest)
        with compiled.program.open("ab") as program:
            program.write(b"compiled here")
        await asyncio.to_thread(named["meanwhile"], compiled)
        raise compilation.TooSlow("took longer than 60 s")

    with monkeypatch.context() as patch:
        patch.setattr(compilation, "compile_agent", compile_too_slowly)
        there = enqueue_build(agent, by=alice)
        work()
    assert built(there) == ("succeeded", NAME), there.error
    assert files(there) == local_files(agent, alice, work)


def test_a_long_queue_is_shared(
    pair: Pair, agent: AgentConfig, alice: User, work: Work, settings: Settings
) -> None:
    settings.AGENTFORGE_LOCAL_QUEUE = 1
    builds = [enqueue_build(agent, by=alice) for _ in range(6)]
    work()
    assert {built(build)[0] for build in builds} == {"succeeded"}
    assert any("builds wait here, more than 1" in marks(build) for build in builds)


def test_other_sources_are_built_here(
    pair: Pair, agent: AgentConfig, alice: User, work: Work, settings: Settings, tmp_path: Path
) -> None:
    other = copy_of_the_sources(tmp_path / "agent")
    with (other / "bundle.go").open("a") as file:
        file.write("\n// Nothing but other bytes.\n")
    settings.AGENTFORGE_AGENT_SOURCES = other
    count_as_warm()
    build = wanting(agent, alice, NAME)
    work()
    assert built(build) == ("succeeded", "local"), build.error
    assert "Built here: iron refused: This builder has other agent sources" in marks(build)
    assert RemoteJob.objects.get().state == RemoteJob.State.GIVEN_UP


def test_an_unreachable_builder_is_done_without(
    agent: AgentConfig, alice: User, work: Work, settings: Settings
) -> None:
    settings.AGENTFORGE_BUILDERS = [{"name": NAME, "url": "http://127.0.0.1:9", "secret": SECRET}]
    build = wanting(agent, alice, NAME)
    work()
    assert built(build) == ("succeeded", "local"), build.error
    assert "Built here: iron is unreachable: 127.0.0.1 could not be reached." in marks(build)


def test_a_builder_that_sends_something_else_is_refused(
    pair: Pair, agent: AgentConfig, alice: User, work: Work
) -> None:
    there = wanting(agent, alice, NAME)
    kept = pair.builder.var / "builder"

    def spoil(body: bytes) -> None:
        if b'"kind":"files"' in body:
            for program in kept.glob("*/program"):
                program.write_bytes(program.read_bytes()[:-1] + b"!")

    pair.to_forge.gate = spoil
    work()
    assert built(there) == ("succeeded", "local"), there.error
    assert "Built here: iron could not finish: The forge did not receive program intact" in marks(there)
    assert all(storage.holds(sha256) for sha256 in files(there).values())


def test_a_builder_whose_disk_is_full_is_done_without(
    pair: Pair, agent: AgentConfig, alice: User, work: Work
) -> None:
    worker = psutil.Process(pair.builder.worker.pid)
    # The programs exceed this limit; the compilers have their own.
    worker.rlimit(psutil.RLIMIT_FSIZE, (3 * 1024 * 1024, psutil.RLIM_INFINITY))
    try:
        there = wanting(agent, alice, NAME)
        work()
    finally:
        worker.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    assert built(there) == ("succeeded", "local"), there.error
    assert "Built here: iron could not finish: The disk is full." in marks(there)


def test_old_jobs_and_message_ids_of_a_builder_go(pair: Pair) -> None:
    """Its own queue's clock strikes the hour of `builder.prune`."""
    pair.builder.run("shell", "-c", _OLD_ROWS)
    columns = {"builder_service_job": "document", "remote_builders_seenmessage": "webhook_id"}
    queries = [f"SELECT {column} FROM {table}" for table, column in columns.items()]
    for query in queries:
        assert {("old",), ("new",)} <= set(pair.builder.rows(query))
    # Its worker would take the job at times, and still be at it when the rows are read.
    pair.builder.kill_worker()
    try:
        pair.builder.run("shell", "-c", _STRIKE)
    finally:
        pair.builder.start_worker()
    for query in queries:
        left = pair.builder.rows(query)
        assert ("new",) in left
        assert ("old",) not in left
    pair.builder.execute("DELETE FROM builder_service_job WHERE document = 'new'")
