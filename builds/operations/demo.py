"""The demo: from a file to an answer, with the duration of each step."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.conf import settings

from agentforge import child_environment
from builds.errors import BuildError
from builds.execution.local import TargetFiles
from builds.trial.agent_run import Event, Program, converse
from configs.choices import KeyStatus
from configs.providers.local import LOCAL


class Stopwatch:
    """Prints and times the steps of the demo; `times` lists (title, seconds)."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self.times: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._write(f"\n{title}")
        started = time.monotonic()
        yield
        self.times.append((title, time.monotonic() - started))


@contextmanager
def local_model() -> Iterator[str]:
    """Run the local model during the block unless it is running already; yields its status line.

    Raises BuildError when it is not installed or does not start.
    """
    if LOCAL.check().status == KeyStatus.VALID:
        yield f"The local model is already running at {LOCAL.base_url}"
        return
    port = urlsplit(settings.LOCAL_MODEL_URL).port or 80
    command = [sys.executable, "-m", "agentforge.launch.model", "--port", str(port)]
    # The arguments are constants and a number from the settings.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        cwd=settings.BASE_DIR,
        env=child_environment.for_programs(),
        text=True,
    ) as server:
        ready = server.stdout.readline().strip() if server.stdout else ""
        try:
            if not ready:
                raise BuildError("The local model did not start; see its output above.")
            yield ready
        finally:
            server.terminate()


async def ask(written: TargetFiles, question: str, on_token: Callable[[str], None]) -> Event:
    """Ask a compiled agent in the sandbox and return its last event.

    Raises BuildError when the agent fails.
    """
    last: Event = {}

    def handle(event: Event) -> None:
        nonlocal last
        if event["type"] == "token":
            on_token(str(event["text"]))
        elif event["type"] in ("done", "error"):
            last = event

    program = Program(written.host.resolve(), written.program.resolve(), written.document)
    messages = [{"role": "user", "content": question}]
    await converse(program, messages, {LOCAL.base_url_env: LOCAL.base_url}, handle)
    if last.get("type") != "done":
        raise BuildError(f"The agent did not answer: {last.get('message', 'it sent no event')}")
    return last
