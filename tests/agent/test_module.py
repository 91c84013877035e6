"""Run the tests of the agent's Go module: under the race detector, and what is too slow for it without."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from agentforge.launch.lint import GO
from tests.drivers.absence import absent
from tests.drivers.forge import ROOT
from tests.drivers.go_tool import go_environment, shared_cache


@pytest.mark.timeout(1800)
def test_the_module_under_the_race_detector() -> None:
    if shutil.which("gcc") is None:
        absent("the race detector needs gcc: apt-get install gcc libc6-dev")
    _test("-race", "./...")


@pytest.mark.timeout(1800)
def test_each_injection_in_each_way() -> None:
    """Under the race detector, which takes ten times as long, each comes in one way."""
    # With the flag, what the forges compiled serves here as well.
    _test("-trimpath", "-run=^TestInjections$", ".")


def _test(*arguments: str) -> None:
    with tempfile.TemporaryDirectory(prefix="agentforge-go-test-") as home:
        result = subprocess.run(
            # `make lint` vets them.
            [GO, "test", "-vet=off", *arguments],
            cwd=ROOT / "agent",
            env=go_environment(Path(home), shared_cache("race"), cgo=True),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    print(result.stdout)
    assert result.returncode == 0, result.stdout
