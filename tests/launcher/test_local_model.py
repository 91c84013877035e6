"""The local model itself, where it is installed (`LOCAL_MODEL=0 make test` leaves it out)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from agentforge.launch.model import CannotServe, weights
from agentforge.launch.ports import free_port
from tests.drivers.forge import ROOT


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    try:
        weights()
    except CannotServe as reason:
        pytest.skip(str(reason))
    port = free_port()
    command = [sys.executable, "-m", "agentforge.launch.model", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "is ready" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v1/chat/completions"
        process.terminate()


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
