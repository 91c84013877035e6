"""The local model itself, where it is installed (`LOCAL_MODEL=0 make test` leaves it out)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.drivers.forge import ROOT
from tests.drivers.local_model_server import installed_weights, served
from tests.drivers.ports import free_port


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with served(LOCAL_MODEL="1") as url:
        yield f"{url}/chat/completions"


@pytest.mark.slow
@pytest.mark.parametrize(
    "question", ["What is a compiler?", "Who was Ada Lovelace?", "Write a haiku about rain."]
)
def test_no_sentence_is_repeated(model: str, question: str) -> None:
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": question}],
        "temperature": 0.3,
        "seed": 1,
        "max_tokens": 256,
    }
    answer = requests.post(model, json=body, timeout=120).json()["choices"][0]["message"]["content"]
    sentences = [part.strip() for part in re.split(r"[.!?]\s+|\n", answer) if part.strip()]
    assert sentences
    assert sorted(set(sentences)) == sorted(sentences)


@pytest.mark.slow
def test_a_file_of_the_operators_own_is_served_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "A better model.gguf"
    file.symlink_to(installed_weights())
    with served(LOCAL_MODEL=str(file)) as url:
        [model] = requests.get(f"{url}/models", timeout=30).json()["data"]
    assert model["id"] == "A better model"


@pytest.mark.slow
def test_the_server_of_a_test_that_fails_ends_with_it() -> None:
    with pytest.raises(ZeroDivisionError), served(LOCAL_MODEL="1") as url:
        _ = 1 / 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/models", timeout=30)


# On one core the server's own thread often begins later than the stop.
STOPPED_AT_ONCE = """
import os, signal, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.kill(os.getpid(), signal.SIGTERM)
from agentforge.launch import model
model.main(["--port", sys.argv[1]])
"""


@pytest.mark.slow
def test_a_server_that_is_stopped_as_soon_as_it_is_ready_ends() -> None:
    installed_weights()
    commands = [[sys.executable, "-c", STOPPED_AT_ONCE, str(free_port())] for _ in range(8)]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for command in commands]
    try:
        assert [process.wait(timeout=60) for process in started] == [0] * 8
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize("command", ["-m agentforge.launch", "-m agentforge.launch.install"])
@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.gguf", None, "does not exist"),
        ("folder/", None, "does not exist"),
        ("text.gguf", b"These are no weights, whatever the name says.", "is not a GGUF file"),
        ("empty.gguf", b"", "is not a GGUF file"),
        ("cut.gguf", b"GGUF", "is not a GGUF file"),
        (".", None, "is not a file"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_sentence(
    tmp_path: Path, command: str, name: str, content: bytes | None, problem: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = _launch(command, tmp_path, LOCAL_MODEL=f"{path}/" if name.endswith(("/", ".")) else str(path))
    assert done.returncode == 1
    assert done.stderr.strip() == f"LOCAL_MODEL names {path}, which {problem}."


def test_a_named_pipe_holds_up_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    assert "is not a file" in _launch("-m agentforge.launch", tmp_path, LOCAL_MODEL=str(pipe)).stderr


def test_a_file_and_another_server_are_not_both_served(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + bytes(20))
    url = "http://127.0.0.1:9/v1"
    done = _launch("-m agentforge.launch", tmp_path, LOCAL_MODEL=str(file), LOCAL_MODEL_URL=url)
    assert done.returncode == 1
    assert "set only one of them" in done.stderr


def test_a_file_that_only_begins_as_a_model_ends_in_a_sentence(tmp_path: Path) -> None:
    installed_weights()
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(64))
    done = _launch(f"-m agentforge.launch.model --port {free_port()}", tmp_path, LOCAL_MODEL=str(file))
    assert done.returncode == 1
    assert f"{file} can't be loaded." in done.stderr
    assert "Traceback" not in done.stderr


def _launch(command: str, var: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "LOCAL_MODEL_URL"}
    return subprocess.run(
        [sys.executable, *command.split()],
        cwd=ROOT,
        env={**inherited, "AGENTFORGE_VAR": str(var / "var"), "PORT": str(free_port()), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
