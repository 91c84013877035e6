"""deploy_agent in a terminal, with a status line that counts the seconds, and in a pipe."""

from __future__ import annotations

import codecs
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from builds.models import Build
from configs.models import AgentConfig
from deployments.models import Deployment, Site
from tests.drivers.deployment_worker import WorkerProcess
from tests.drivers.web_process import ROOT, environment
from tests.standins.netlify import NetlifyStandIn

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def worker(netlify: NetlifyStandIn) -> Iterator[None]:
    with WorkerProcess():
        yield


def command(agent: AgentConfig, *more: str) -> tuple[list[str], dict[str, str]]:
    env = environment(
        AGENTFORGE_NETLIFY_URL=settings.AGENTFORGE_NETLIFY_URL,
        AGENTFORGE_ALLOWED_HOSTS=",".join(settings.AGENTFORGE_ALLOWED_HOSTS),
        LOCAL_MODEL_URL=settings.LOCAL_MODEL_URL,
        COLUMNS="100",
        TERM="xterm",
    )
    return [sys.executable, "manage.py", "deploy_agent", str(agent.pk), *more], env


# Clears the line first.
_WAITS = r"\r\x1b\[KWait until it is live, "


class Terminal:
    """A command in a pseudo-terminal, and its output."""

    def __init__(self, args: list[str], env: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(args, cwd=ROOT, env=env, stdout=theirs, stderr=theirs, stdin=theirs)
        os.close(theirs)
        self.text = ""
        # A read may end within a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def until(self, pattern: str) -> None:
        """Read until the output matches a pattern; raises OSError at its end."""
        while not re.search(pattern, self.text):
            self.text += self._decoder.decode(os.read(self._ours, 65536))

    def end(self) -> int:
        try:
            while piece := os.read(self._ours, 65536):
                self.text += self._decoder.decode(piece)
        except OSError:  # on Linux: the other side was closed
            pass
        os.close(self._ours)
        return self.process.wait(60)


def test_a_terminal_sees_time_pass_and_lines_in_a_pipe_stay_plain(
    agent: AgentConfig, site: Site, build: Build, netlify: NetlifyStandIn
) -> None:
    netlify.stuck = True
    terminal = Terminal(*command(agent))
    # The status line at two times, with no line in between: the host reports nothing new.
    terminal.until(rf"{_WAITS}(\d+) s{_WAITS}(?!\1 s)\d+ s")
    netlify.stuck = False
    assert terminal.end() == 0
    assert terminal.text.rstrip().endswith(site.url)
    assert re.search(r"[0-9] s  .*Put the site together", terminal.text)
    done = subprocess.run(command(agent)[0], cwd=ROOT, env=command(agent)[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    # The same build again: Netlify already has its files.
    assert "Put the site together\n" in done.stdout
    assert done.stdout.rstrip().endswith(site.url)


def test_an_upload_says_how_far_it_is(agent: AgentConfig, site: Site, build: Build) -> None:
    done = subprocess.run(command(agent)[0], cwd=ROOT, env=command(agent)[1], capture_output=True, text=True)
    assert re.search(r"^    (\d+) of \1 files, .+ of .+, .+/s$", done.stdout, re.MULTILINE)


def test_who_interrupts_leaves_the_deployment_to_the_worker(
    agent: AgentConfig, site: Site, build: Build, netlify: NetlifyStandIn
) -> None:
    netlify.stuck = True
    args, env = command(agent, "--json")
    with subprocess.Popen(
        args, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stdout:
            if json.loads(line).get("name") == "Wait until it is live":
                running.send_signal(signal.SIGTERM)
                break
        rest = running.stdout.read()
        errors = running.stderr.read()
    assert running.returncode == 130, errors
    assert "continues in the worker" in errors
    assert json.loads(rest.splitlines()[-1])["kind"] == "result"
    assert Deployment.objects.get().status == "running"
