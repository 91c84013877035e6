"""Model servers of other programs are found when the forge starts, quickly, and nothing else is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agentforge.model_servers import ModelServer, find
from tests.drivers.forge import ROOT, Forge
from tests.drivers.ports import free_port
from tests.standins.ollama import OllamaStandIn
from tests.standins.openai import OpenAIStandIn


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn() as server:
        yield server


@pytest.fixture
def silent() -> Iterator[list[str]]:
    """The URLs of servers that take connections and never answer."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(6)]
        yield [f"http://127.0.0.1:{listener.getsockname()[1]}/v1" for listener in listeners]


def test_what_answers_is_found_and_what_does_not_holds_up_nobody(
    ollama: OllamaStandIn, silent: list[str]
) -> None:
    candidates = [
        *(ModelServer("lm_studio", url) for url in silent),
        ModelServer("llama_cpp", f"http://127.0.0.1:{free_port()}/v1"),
        ModelServer("ollama", ollama.url),
    ]
    started = time.monotonic()
    assert find(candidates, seconds=3) == [(candidates[-1], ("llama3.2:3b", "qwen3:8b"))]
    assert time.monotonic() - started < 3 * len(silent), "it waited for one after the other"


def test_what_is_no_model_server_is_none() -> None:
    with ExitStack() as stack:
        # An application behind the port of llama.cpp; it lists things, but no models of that server.
        other = stack.enter_context(OpenAIStandIn(needs_key=False))
        broken = [stack.enter_context(OpenAIStandIn(needs_key=False)) for _ in range(4)]
        broken[0].mode, broken[1].mode, broken[2].mode = "html", "garbage", "redirect"
        broken[3].needs_key = True
        asked = [
            ModelServer("llama_cpp", other.url),
            *(ModelServer("lm_studio", each.url) for each in broken),
        ]
        assert find(asked, seconds=5) == []


def test_an_ollama_without_a_model_is_one(ollama: OllamaStandIn) -> None:
    ollama.models = []
    server = ModelServer("ollama", ollama.url)
    assert find([server], seconds=5) == [(server, ())]


@pytest.mark.slow
def test_the_launcher_finds_it(tmp_path: Path, ollama: OllamaStandIn) -> None:
    servers = f"ollama={ollama.url},llama_cpp=http://127.0.0.1:{free_port()}/v1"
    with Forge(tmp_path / "var", LOCAL_MODEL="0", LOCAL_MODEL_SERVERS=servers) as forge:
        forge.wait_for(rf"Found Ollama at {ollama.url}, with 2 models\.")
        assert "llama.cpp" not in forge.text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("ollama=http://192.0.2.1:11434/v1", "no http address of this machine"),
        ("ollama=http://localhost.example.com/v1", "no http address of this machine"),
        ("ollama=https://127.0.0.1:11434/v1", "no http address of this machine"),
        ("ollama=http://user:word@127.0.0.1:11434/v1", "no http address of this machine"),
        ("ollama=http://127.0.0.1:99999/v1", "no http address of this machine"),
        ("gpt4all=http://127.0.0.1:4891/v1", "known are ollama, lm_studio, llama_cpp"),
        ("perhaps", "neither true nor false"),
    ],
)
def test_only_servers_of_this_machine_can_be_named(tmp_path: Path, value: str, problem: str) -> None:
    environment = {**os.environ, "AGENTFORGE_VAR": str(tmp_path), "LOCAL_MODEL_SERVERS": value}
    done = subprocess.run(
        [sys.executable, "-m", "agentforge.launch"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
