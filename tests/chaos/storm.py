"""Run builds under viewers while processes are killed, and hold both forges to what they then say."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.drivers.database import connected
from tests.drivers.forge import Forge
from tests.live.followers import Follower

from .client import Script
from .monkey import Monkey

BUILDER = "builder"
FINAL = ("succeeded", "failed", "cancelled")
DIED_TWICE = "died 2 times"
_OPEN_ROWS = {
    "builds": "SELECT count(*) FROM builds_build WHERE status IN ('queued', 'running')",
    "targets": "SELECT count(*) FROM builds_buildtarget WHERE status IN ('queued', 'running')",
    "jobs": "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'builds.compile'"
    " AND status IN ('todo', 'doing')",
    "streams": "SELECT count(*) FROM live_stream WHERE name LIKE 'build-%%' AND closed_at IS NULL",
    "remote jobs": "SELECT count(*) FROM remote_builders_remotejob WHERE state = 'open'",
    "remote chunks": "SELECT count(*) FROM remote_builders_remotechunk",
    "remote pieces": "SELECT count(*) FROM remote_builders_remotepiece",
    "files of nothing": "SELECT count(*) FROM builds_artifact AS file JOIN builds_build AS build"
    " ON build.id = file.build_id WHERE build.status <> 'succeeded'",
}
_OF_A_BUILDER = {
    "open jobs": "SELECT count(*) FROM builder_service_job WHERE state <> 'closed'",
    "messages": "SELECT count(*) FROM builder_service_entry",
    "jobs of the queue": "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'builder.serve'"
    " AND status IN ('todo', 'doing')",
}
_MADE_BY = "SELECT builder, count(*) FROM builds_buildtarget WHERE status = 'succeeded' GROUP BY builder"
_KNOWN_FILES = "SELECT sha256 FROM builds_storedfile"
_LOG = "SELECT data FROM live_chunk WHERE stream_id = %s ORDER BY first_seq"


@dataclass(frozen=True)
class Pair:
    """A forge and its remote builder."""

    forge: Forge
    builder: Forge

    @property
    def by_name(self) -> dict[str, Forge]:
        return {"forge": self.forge, BUILDER: self.builder}

    def stop(self) -> None:
        """Stop both, and fail when a process of theirs is left."""
        for each in self.by_name.values():
            each.stop()
            assert each.processes() == []


@dataclass
class Storm:
    """A forge with its builder, a person's script, builds and their viewers."""

    pair: Pair
    script: Script
    builds: list[dict[str, Any]] = field(default_factory=list)
    viewers: list[Viewer] = field(default_factory=list)
    arrivals: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def begin(self, builds: int, viewers: int, people: int = 2) -> None:
        """Ask for builds by several people, each of another agent, some elsewhere, and let viewers follow."""
        scripts = [Script(self.pair.forge.url) for _ in range(people)]
        for number, script in enumerate(scripts):
            script.sign_up(f"chaos-{number}")
        owners: dict[int, Script] = {}
        for number in range(builds):
            script = scripts[number % people]
            agent = script.make_agent(f"Agent {number}")
            is_elsewhere = number % 3 == 0
            build = script.compile_elsewhere(agent, BUILDER) if is_elsewhere else script.compile(agent)
            self.builds.append(build)
            owners[build["id"]] = script
        self.owners = owners
        for number in range(viewers):
            build = self.builds[number % builds]
            script = owners[build["id"]]
            viewer = Viewer(script, build["channel"], number, self.arrivals)
            self.viewers.append(viewer)
            viewer.start()

    def wait_for_the_end(self) -> None:
        """Return when every viewer has seen its build end, within 15 minutes: a busy machine is slow."""
        until = time.monotonic() + 900
        for viewer in self.viewers:
            viewer.join(timeout=max(0, until - time.monotonic()))
            assert not viewer.is_alive(), (viewer.channel, viewer.received, self.pair.forge.text[-4000:])
        self.arrivals.put(None)

    def check(self) -> None:
        """Fail unless logs, states, rows and files say the same, and nothing is left over."""
        with _connected(self.pair.forge) as connection:
            stored = {each["channel"]: _records(connection, each["channel"]) for each in self.builds}
            existing = {sha256 for (sha256,) in connection.execute(_KNOWN_FILES)}
        _wait_until_nothing_is_left(self.pair.forge, _OPEN_ROWS)
        _wait_until_nothing_is_left(self.pair.builder, _OF_A_BUILDER)
        kept = {path.name for path in self.pair.forge.var_dir.glob("artifacts/??/[!.]*")}
        assert kept <= existing
        assert list(self.pair.builder.var_dir.glob("builder/*")) == []
        for viewer in self.viewers:
            viewer.texts(viewer.channel)
            assert [record for _, record in viewer.received[viewer.channel]] == stored[viewer.channel]
        for each in self.builds:
            self._check_build(each["id"], stored[each["channel"]])

    def summary(self) -> str:
        """Say how the builds ended, after how many attempts, and who made them."""
        result = [self.owners[each["id"]].build(each["id"]) for each in self.builds]
        with _connected(self.pair.forge) as connection:
            made = dict(connection.execute(_MADE_BY).fetchall())
        return ", ".join(f"{build['status']} ({build['attempts']})" for build in result) + f"; made by {made}"

    def _check_build(self, number: int, log: list[dict[str, Any]]) -> None:
        owner = self.owners[number]
        build = owner.build(number)
        message = [record["status"] for record in log if record["kind"] == "status"]
        assert build["status"] in FINAL
        assert (message[-1], log[-1]["kind"]) == (build["status"], "end")
        assert len([each for each in message if each in FINAL]) == 1
        marks = [record["text"] for record in log if record.get("mark")]
        assert len(marks) >= build["attempts"] - 1
        if build["status"] == "succeeded":
            assert build["files"]
            for path, file in build["files"].items():
                assert hashlib.sha256(owner.download(number, path)).hexdigest() == file["sha256"]
        else:
            assert DIED_TWICE in build["error"], build
            assert not build["files"]


class Viewer(Follower):
    """Follow one build to its end, whatever breaks, and report each record's arrival."""

    def __init__(
        self, script: Script, channel: str, seed: int, arrivals: queue.SimpleQueue[str | None]
    ) -> None:
        super().__init__(script, script.headers, channel, seed=seed, is_up=script.wait_until_up)  # type: ignore[arg-type]
        self.channel = channel
        self._arrivals = arrivals

    def arrived(self, channel: str) -> None:
        self._arrivals.put(channel)


@contextmanager
def killing(storm: Storm, seed: int, victims: list[str], apart: tuple[int, int]) -> Iterator[Monkey]:
    """Let a monkey kill in a thread while the body runs."""
    monkey = Monkey(storm.pair.by_name, seed, victims)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            monkey.run(storm.arrivals, apart)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield monkey
    thread.join(timeout=300)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def _connected(forge: Forge) -> psycopg.Connection[Any]:
    lines = (forge.var_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    return connected(make_conninfo(host=lines[4], port=lines[3], user="postgres", dbname="postgres"))


def _wait_until_nothing_is_left(forge: Forge, queries: Mapping[str, str]) -> None:
    """Return when no row is open and no throwaway directory is left; each side tidies up after the other."""
    until = time.monotonic() + 180
    with _connected(forge) as connection:
        while True:
            left: dict[str, Any] = {what: _count(connection, query) for what, query in queries.items()}
            left["work"] = len(list(forge.var_dir.glob("work/*")))
            if not any(left.values()):
                return
            assert time.monotonic() < until, left
            connection.execute("SELECT pg_sleep(0.1)")


def _records(connection: psycopg.Connection[Any], channel: str) -> list[dict[str, Any]]:
    rows = connection.execute(_LOG, [channel]).fetchall()
    return [record for (data,) in rows for record in json.loads(f"[{data}]")]


def _count(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
