"""Measure the way from a clone to the first answer of a compiled agent, part by part.

Packages come from pip's cache as far as it has them. The rival is the goal: 3 minutes on 2 cores.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import httpx

from agentforge import child_environment
from agentforge.launch.ports import free_port

from .stage import ROOT

GOAL, PATIENCE = 180.0, 1200.0
QUESTION = "What is a compiler? Answer in one sentence."
# Lines of `make run`, each of which begins a part.
_LINES = {
    "database": r"^Creating the database",
    "web": r"^Migrating the database",
    "sign-up": r"^AgentForge is ready after",
}

T = TypeVar("T")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed.")
    return path


class Forge:
    """`make run` in a clone, and a person's requests."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.url = f"http://localhost:{(port := free_port())}"
        environment = child_environment.for_pip(PORT=str(port), MODEL_PORT=str(free_port()))
        self.process = subprocess.Popen(
            [_program("make"), "run"],
            cwd=clone,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._headers = {"Accept": "application/json"}

    def lines(self) -> Iterator[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            print(line, end="", file=sys.stderr)
            yield line

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = httpx.request(method, self.url + path, json=body, headers=self._headers, timeout=60)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def sign_up(self) -> None:
        account = {"email": "ada@example.com", "password": secrets.token_urlsafe()}
        tokens = self.ask("POST", "/sign-up/", account)["tokens"]
        self._headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def is_warm(self) -> bool:
        states = [json.loads(path.read_text()) for path in self.clone.glob("var/go/warmth/*.json")]
        return any(state["state"] == "warm" for state in states)

    def compiled_example(self) -> int:
        """Return the agent that the account began with, once it is compiled; 0 before."""
        [build] = self.ask("GET", "/builds/")["builds"]
        if build["status"] in ("failed", "cancelled"):
            raise RuntimeError(build["error"])
        return int(build["agent"]) if build["status"] == "succeeded" else 0

    def answer_of(self, agent: int) -> str:
        answer = self.ask("GET", f"/agents/{agent}/try/")["messages"][-1]
        if answer["error"]:
            raise RuntimeError(answer["error"])
        return str(answer["content"]) if answer["status"] == "done" else ""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="agentforge-bench-") as directory:
        clone = Path(directory) / "agentforge"
        marks = {"clone": time.monotonic()}
        command = [_program("git"), "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)]
        subprocess.run(command, check=True)
        marks["install"] = time.monotonic()
        with _running(clone) as forge:
            answer = _use(forge, marks)
        _report(marks, answer)


@contextmanager
def _running(clone: Path) -> Iterator[Forge]:
    forge = Forge(clone)
    try:
        yield forge
    finally:
        os.killpg(forge.process.pid, signal.SIGTERM)
        forge.process.communicate(timeout=60)


def _use(forge: Forge, marks: dict[str, float]) -> str:
    """Follow the start, sign up at once, and ask the example as soon as it is compiled."""
    for line in forge.lines():
        marks |= {part: time.monotonic() for part, pattern in _LINES.items() if re.search(pattern, line)}
        if "sign-up" in marks:
            break
    forge.sign_up()
    marks["warm Go"] = time.monotonic()
    _wait(forge.is_warm)
    marks["example agent"] = time.monotonic()
    agent = _wait(forge.compiled_example)
    marks["first answer"] = time.monotonic()
    forge.ask("POST", f"/agents/{agent}/try/messages/", {"content": QUESTION})
    answer = _wait(lambda: forge.answer_of(agent))
    marks["end"] = time.monotonic()
    return answer


def _wait(until: Callable[[], T]) -> T:
    """Return the first true result; raises TimeoutError."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if result := until():
            return result
        time.sleep(0.25)
    raise TimeoutError(f"Nothing came within {PATIENCE:.0f} s.")


def _report(marks: dict[str, float], answer: str) -> None:
    for (part, begun), (_, ended) in pairwise(marks.items()):
        line = {"figure": "first_minute_part", "part": part, "value": round(ended - begun, 1), "unit": "s"}
        print(json.dumps(line), flush=True)
    whole = round(marks["end"] - marks["clone"], 1)
    load = round(os.getloadavg()[1], 1)
    rival = {"rival": "the goal", "rival_value": GOAL, "load": load, "answer": answer[:80]}
    print(json.dumps({"figure": "first_minute", "value": whole, "unit": "s", **rival}), flush=True)


if __name__ == "__main__":
    main()
