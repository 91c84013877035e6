"""`manage.py follow_build` as a process: from the database and through another forge's event stream."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.core.management import CommandError, call_command

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.people import bearer_of
from tests.drivers.web_process import ROOT, WebProcess, environment
from tests.live.test_writer import end_writers_connections

pytestmark = pytest.mark.django_db(transaction=True)


class Following:
    """A running command and its output."""

    def __init__(self, *arguments: str, **more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "follow_build", *arguments],
            cwd=ROOT,
            env=environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, text: str) -> list[str]:
        """Return the lines up to the one that contains a text."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if text in line:
                return lines
        raise AssertionError(f"It ended before {text!r}: {lines} {self.errors()}")

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def rest(self) -> tuple[str, str, int]:
        """Return the rest of both outputs, and the exit code."""
        out, err = self.process.communicate(timeout=60)
        return out, err, self.process.returncode


Follow = Callable[..., Following]


@pytest.fixture
def follow_build() -> Iterator[Follow]:
    opened: list[Following] = []

    def open_(*arguments: object, **more: str) -> Following:
        opened.append(Following(*map(str, arguments), **more))
        return opened[-1]

    yield open_
    for following in opened:
        following.process.kill()
        following.process.communicate()


@pytest.fixture
def queued(agent: AgentConfig, alice: User) -> Build:
    return enqueue_build(agent, by=alice)


def say(build: Build, *texts: str, stream: str = "out") -> None:
    records = [{"kind": "line", "stream": stream, "text": text} for text in texts]
    streams.publish(build.stream_name, *records)


def end(build: Build, status: str) -> None:
    streams.publish(build.stream_name, {"kind": "status", "status": status})
    streams.close_stream(build.stream_name)


def test_it_follows_across_a_break_of_the_database_to_the_end(queued: Build, follow_build: Follow) -> None:
    following = follow_build(queued.pk)
    say(queued, "first", "\x1b[31mred\x1b[0m\x1b[2J")
    assert following.until("red")[-1] == "    red"
    assert end_writers_connections() > 0
    say(queued, "second")
    assert [line.strip() for line in following.until("second")] == ["second"]
    end(queued, "failed")
    out, _, code = following.rest()
    assert (out, code) == ("failed\n", 1)


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 3)])
def test_scripts_get_numbered_lines_and_the_end_as_exit_code(
    status: str, code: int, queued: Build, follow_build: Follow
) -> None:
    say(queued, *(f"line {number}" for number in range(10)))
    lines = sum(record["kind"] == "line" for _, record in streams.read(queued.stream_name))
    end(queued, status)
    out, _, ended = follow_build(queued.pk, "--json", "--since", lines - 1).rest()
    output = [json.loads(line) for line in out.splitlines()]
    assert [record["n"] for record in output if record["kind"] == "line"] == [lines - 1, lines]
    assert output[-1] == {"kind": "result", "build": queued.pk, "status": status, "lines": lines}
    assert ended == code


def test_a_pruned_log_still_tells_how_the_build_ended(queued: Build, follow_build: Follow) -> None:
    streams.delete_stream(queued.stream_name)
    Build.objects.filter(pk=queued.pk).update(status="succeeded")
    assert follow_build(queued.pk).rest()[2] == 0


def test_interrupted_it_says_that_the_build_goes_on(queued: Build, follow_build: Follow) -> None:
    say(queued, "going on")
    following = follow_build(queued.pk)
    following.until("going on")
    following.process.send_signal(signal.SIGINT)
    out, _, code = following.rest()
    assert (out, code) == ("Stopped following. The build continues.\n", 130)


def test_from_a_forge_elsewhere_it_resumes_when_that_is_back(
    queued: Build, alice: User, follow_build: Follow
) -> None:
    token = bearer_of(alice).removeprefix("Bearer ")
    with WebProcess() as web:
        say(queued, "first")
        # Without a database, all lines must come from the other forge.
        following = follow_build(queued.pk, "--url", web.url, AGENTFORGE_TOKEN=token, DATABASE_URL=NOWHERE)
        following.until("first")
        web.kill()
        say(queued, "second")
        web.start()
        say(queued, "third")
        assert [line.strip() for line in following.until("third")] == ["second", "third"]
        end(queued, "succeeded")
        out, err, code = following.rest()
    assert (out, code) == ("succeeded\n", 0)
    assert "trying again from record" in err
    assert token not in out + err


NOWHERE = "postgres://nobody@127.0.0.1:9/nothing"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ((), "There is no build"),
        (("--url", "https://x"), "Set AGENTFORGE_TOKEN"),
        (("--url", "ftp://x"), "not a URL"),
    ],
)
def test_it_says_what_is_missing(
    arguments: tuple[str, ...], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTFORGE_TOKEN", "a-token" if "ftp://x" in arguments else "")
    with pytest.raises(CommandError, match=wrong) as failure:
        call_command("follow_build", "1", *arguments)
    assert failure.value.returncode == 2


def test_a_forge_tells_strangers_nothing(queued: Build, bob: User, follow_build: Follow) -> None:
    his = bearer_of(bob).removeprefix("Bearer ")
    with WebProcess() as web:
        for token, wrong in (("nonsense", "does not know this token"), (his, "no such build of yours")):
            _, err, code = follow_build(queued.pk, "--url", web.url, AGENTFORGE_TOKEN=token).rest()
            assert wrong in err
            assert code == 2
