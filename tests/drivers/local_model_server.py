"""The local model itself, served in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentforge.launch.model import CannotServe, weights

from .forge import ROOT
from .ports import free_port


def installed_weights() -> Path:
    """Return the path of the weights, or skip the test where the model is not installed."""
    try:
        return weights()
    except CannotServe as reason:
        pytest.skip(str(reason))


@contextmanager
def served(**environment: str) -> Iterator[str]:
    """Serve the model in its own process, and yield the URL of its API."""
    installed_weights()
    port = free_port()
    command = [sys.executable, "-m", "agentforge.launch.model", "--port", str(port)]
    own = {**os.environ, **environment}
    with subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "is ready" in process.stdout.readline()
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
