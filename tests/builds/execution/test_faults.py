"""Faults of the environment: no disk space, memory, time or worker, and endless output."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.compiler import go_command, resource_errors, sandbox, toolchain
from builds.execution import transitions
from builds.execution.transitions import Claim
from builds.models import Artifact, Build
from builds.reports import transcript
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.agent_sources import count_as_warm, heavy_sources, slow_sources, talkative_sources
from tests.drivers.build_stream import Record, wait_for
from tests.drivers.build_worker import TOOLS, WorkerProcess, running_named

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
NEXT = "Nothing was stored. Try again; if it persists, ask your operator (manage.py doctor)."


def _small_disk(place: Path) -> list[str]:
    """Return a command prefix that mounts a 3 MiB disk at a path, visible only to the command."""
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'
    return ["unshare", "--mount", *root, "sh", "-c", script, str(place)]


def _may_mount() -> bool:
    trial = [*_small_disk(Path(tempfile.gettempdir())), "true"]
    return subprocess.run(trial, capture_output=True).returncode == 0


# A file size limit works everywhere; real full disks need the permission to mount.
FULL = ["limit", *(("work", "artifacts") if _may_mount() else ())]


@pytest.mark.parametrize("full", FULL)
def test_a_full_disk_ends_the_build_and_leaves_nothing(
    full: str, agent: AgentConfig, alice: User, work: Work, settings: Settings, tmp_path: Path
) -> None:
    for name in ("work", "artifacts"):
        (tmp_path / name).mkdir()
    under = ["prlimit", f"--fsize={3 * 1024 * 1024}:"] if full == "limit" else _small_disk(tmp_path / full)
    build = enqueue_build(agent, by=alice)
    with WorkerProcess(under=under, AGENTFORGE_VAR=str(tmp_path), SECRET_KEY=settings.SECRET_KEY) as worker:
        wait_for(build.stream_name, lambda record: record["kind"] == "end")
        # Through the worker's root, since only it sees the small disk.
        seen = Path(f"/proc/{worker.pid}/root") / tmp_path.relative_to("/")
        assert [path for path in seen.glob("artifacts/*/*") if path.stat().st_size > 1024 * 1024] == []
        assert [*seen.glob("artifacts/*/.*"), *seen.glob("work/*")] == []
    _check_failed(build, f"The disk is full. {NEXT}")
    if full != "limit":
        return
    # One retry shows that no partial file is reused.
    again = enqueue_build(agent, by=alice)
    work()
    again.refresh_from_db()
    assert again.status == "succeeded", again.error


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that changes the limits of this machine's compilers."""

    def change(**limits: int) -> None:
        kind = toolchain.find().cc_kind
        changed = replace(go_command.COMPILE_LIMITS[kind], **limits)
        monkeypatch.setitem(go_command.COMPILE_LIMITS, kind, changed)

    return change


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"data": 150}, f"; its limit is 150 MiB. {NEXT}"),
        ({"cpu_seconds": 2, "data": 8192}, "it took more than 2 s of processor time. Nothing was stored."),
    ],
    ids=["memory", "processor"],
)
def test_a_compiler_that_needs_too_much_ends_the_build(
    limits: dict[str, int],
    message: str,
    agent: AgentConfig,
    alice: User,
    work: Work,
    limit: Callable[..., None],
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = heavy_sources(tmp_path / "agent")
    count_as_warm()
    limit(**limits)
    build = enqueue_build(agent, by=alice)
    work()
    _check_failed(build, message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fatal error: runtime: out of memory", "The compiler ran out of memory; its limit is 512 MiB."),
        ("runtime: mmap: Cannot allocate memory", "The compiler ran out of memory; its limit is 512 MiB."),
        ("SIGSEGV: segmentation violation", "The compiler crashed, probably because memory ran out;"),
        ("signal: segmentation fault", "The compiler crashed, probably because memory ran out;"),
        ("./go.o: No space left on device", "The disk is full."),
        ("signal: killed", "The compiler was killed by the system:"),
    ],
)
def test_a_lacking_resource_is_reported(line: str, message: str) -> None:
    lines = ["# agent/heavy", line, "PC=0x43ee1c m=3 sigcode=1 addr=0x0"]
    error = resource_errors.diagnose(lines, 1, sandbox.Limits(seconds=1))
    assert str(error).startswith(message) and str(error).endswith(NEXT)


@pytest.mark.parametrize("line", ["./a.go:3:1: undefined: SIGSEGV", "x.c:1:1: fatal error: no such file"])
def test_an_error_of_the_agent_is_not_a_lacking_resource(line: str) -> None:
    assert resource_errors.diagnose(["# agent", line], 1, sandbox.Limits(seconds=1)) is None


def test_the_time_limit_ends_the_build_and_its_processes(
    agent: AgentConfig,
    alice: User,
    work: Work,
    limit: Callable[..., None],
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    limit(seconds=2)
    build = enqueue_build(agent, by=alice)
    work()
    assert running_named(os.getpid(), *TOOLS) == []
    _check_failed(build, "The compiler took longer than 2 s and was stopped.")
    assert build.per_target.get().exit_code == -9


def test_a_flood_of_lines_is_cut_and_its_end_kept(
    agent: AgentConfig, alice: User, work: Work, settings: Settings, tmp_path: Path
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = talkative_sources(tmp_path / "agent", packages=150)
    settings.BUILD_LOG_LINES, settings.BUILD_LOG_TAIL = 40, 20
    count_as_warm()
    build = enqueue_build(agent, by=alice)
    work()
    _check_failed(build, "undefined: undefinedName")
    lines = transcript(build).lines
    marks = [at for at, line in enumerate(lines) if line.get("mark")]
    assert "has reached its limit" in lines[marks[0]]["text"]
    assert "lines were omitted here; the last 20 follow." in lines[marks[1]]["text"]
    assert any("undefinedName" in line["text"] for line in lines[marks[1] :])
    written = [line for line in lines if line["stream"] != "sys"]
    assert len(written) == 40 + 20


# The promised limit; by design it is 12 s without a heartbeat plus at most 5 s until recovery runs.
PICKED_UP_WITHIN = 30


def test_a_dead_workers_build_is_picked_up_by_another_and_says_so(
    agent: AgentConfig, alice: User, settings: Settings, tmp_path: Path
) -> None:
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    build = enqueue_build(agent, by=alice)
    with WorkerProcess() as first:
        wait_for(build.stream_name, _is_compiling)
        with WorkerProcess(queues="builds,upkeep") as second:
            wait_for(build.stream_name, lambda record: str(record.get("text", "")).endswith("/sse"))
            first.kill()
            died_at = time.time()
            mark = wait_for(build.stream_name, lambda record: bool(record.get("mark")))
            behind = next(seq for seq, record in streams.read(build.stream_name) if record == mark)
            wait_for(build.stream_name, _is_compiling, after=behind)
            assert mark["text"] == "— The worker died; starting again, attempt 2 of 2 —"
            assert mark["t"] - died_at < PICKED_UP_WITHIN
            second.stop()


def test_a_stopped_worker_hands_a_build_over(
    agent: AgentConfig, alice: User, work: Work, settings: Settings, tmp_path: Path
) -> None:
    whole = settings.AGENTFORGE_AGENT_SOURCES
    settings.AGENTFORGE_AGENT_SOURCES = slow_sources(tmp_path / "agent")
    count_as_warm()
    build = enqueue_build(agent, by=alice)
    # In its own directory, since concurrent tests use the shared one.
    own = {"AGENTFORGE_VAR": str(tmp_path / "var"), "SECRET_KEY": settings.SECRET_KEY}
    with WorkerProcess(**own) as worker:
        wait_for(build.stream_name, lambda record: str(record.get("text", "")).endswith("/sse"))
        worker.stop()
    build.refresh_from_db()
    # The stop does not count as an attempt, and the build is back in the queue.
    assert (build.status, build.attempts) == ("queued", 0)
    assert list((tmp_path / "var" / "work").iterdir()) == []
    settings.AGENTFORGE_AGENT_SOURCES = whole
    work()
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("succeeded", 1)
    marks = [line["text"] for line in transcript(build).lines if line.get("mark")]
    assert marks == ["— The worker was stopped; the build starts again on the next one —"]


def test_a_stopped_worker_finishes_what_is_soon_done(agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice)
    with WorkerProcess(grace=120) as worker:
        wait_for(build.stream_name, _is_compiling)
        worker.stop(120)
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("succeeded", 1), build.error


def _is_compiling(record: Record) -> bool:
    return "$ go build" in str(record.get("text"))


def _check_failed(build: Build, message: str) -> None:
    """Check that a build failed with a message in its row and its log, and stored nothing."""
    build.refresh_from_db()
    assert build.status == "failed"
    assert message in build.error
    log = transcript(build)
    assert log.ended
    assert any(line["text"].startswith("Failed: ") for line in log.lines)
    assert build.per_target.get().status == "failed"
    assert not Artifact.objects.exists()


def test_a_claim_whose_response_is_lost_still_counts(
    agent: AgentConfig, alice: User, work: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = enqueue_build(agent, by=alice)
    claim = transitions.claim
    answers = []

    def lose_the_first(build_id: int, job_id: int, **more: bool) -> Claim | None:
        answers.append(claim(build_id, job_id, **more))
        if len(answers) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return answers[-1]

    monkeypatch.setattr(transitions, "claim", lose_the_first)
    work("builds")
    build.refresh_from_db()
    assert (build.status, build.attempts) == ("succeeded", 1)
    assert answers[0] == answers[1]


def test_what_another_job_claimed_is_not_taken(agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice)
    assert transitions.claim(build.pk, build.job_id or 0)
    assert transitions.claim(build.pk, 999_999, again=True) is None
    assert transitions.claim(build.pk, build.job_id or 0) is None
