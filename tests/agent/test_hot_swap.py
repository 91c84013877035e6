"""A new program takes over from one that serves: answers run to their end, conversations go on."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.drivers.agent_programs import compiled, environment_for
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Held, Text

PICTURE = "R0lGODlhAQABAAAAACw="


def point(link: Path, program: Path) -> None:
    """Point a link to a program, in one step."""
    new = link.with_name("new")
    new.symlink_to(program)
    new.replace(link)


@contextmanager
def site(link: Path, model: OpenAIStandIn) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve a site by the program behind a link, and check that nothing of it is left."""
    pages = link.with_name("public")
    pages.mkdir()
    (pages / "index.html").write_text("Hello")
    command: list[str | Path] = [link, "--serve", "127.0.0.1:0", "--site", pages]
    environment = environment_for(model) | {"AGENT_ACCESS": "public"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split()[-1], process
        finally:
            below = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            assert process.wait(60) == 0
    assert not psutil.wait_procs(below, timeout=60)[1]


def hang_up(process: subprocess.Popen[str]) -> str:
    """Ask for a new program, and return what the log says of it."""
    process.send_signal(signal.SIGHUP)
    assert process.stderr is not None
    return process.stderr.readline()


def test_a_new_program_takes_over(model: OpenAIStandIn, tmp_path: Path) -> None:
    link = tmp_path / "agent"
    point(link, compiled("standalone"))
    with site(link, model) as (url, process):
        first = httpx.post(f"{url}/api/ask", json={"message": "one"}).json()
        assert first["text"] == "You said: one"
        held = Held(("Slow ", "but ", "sure"))
        model.replies.append(Text(held))
        question = {"message": "two", "state": first["state"]}
        stream = {"Accept": "text/event-stream"}
        with httpx.stream("POST", f"{url}/api/ask", json=question, headers=stream, timeout=120) as answer:
            lines = answer.iter_lines()
            assert json.loads(next(lines).removeprefix("data: "))["text"] == "Slow "
            # The new program takes images; the old one does not.
            point(link, compiled("standalone", images=True))
            assert "answers from now on at" in hang_up(process)
            more = {"message": "three", "state": first["state"], "images": [{"data": PICTURE}]}
            assert httpx.post(f"{url}/api/ask", json=more).json()["text"].startswith("You said:")
            asked = model.asked[-1].json["messages"]
            assert [each["content"] for each in asked[1:3]] == ["one", "You said: one"]
            held.let_go()
            events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
        assert (events[-1]["type"], events[-1]["text"]) == ("done", "Slow but sure")
        point(link, compiled("standalone"))
        assert "answers from now on at" in hang_up(process)
        assert httpx.post(f"{url}/api/ask", json=more).status_code == 422
        state = {"message": "four", "state": events[-1]["state"]}
        assert httpx.post(f"{url}/api/ask", json=state).json()["text"] == "You said: four"


def test_a_program_that_does_not_start_replaces_nothing(model: OpenAIStandIn, tmp_path: Path) -> None:
    link = tmp_path / "agent"
    point(link, compiled("standalone"))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with site(link, model) as (url, process):
        point(link, broken)
        assert "agent: the program was not replaced: agent does not answer" in hang_up(process)
        assert httpx.post(f"{url}/api/ask", json={"message": "one"}).json()["text"] == "You said: one"
