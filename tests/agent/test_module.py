"""Run the tests of the agent's Go module under the race detector."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import go
import pytest

from tests.drivers.absence import absent
from tests.drivers.forge import ROOT

GO = str(Path(go.__file__).parent / "bin" / "go")


@pytest.mark.timeout(1800)
def test_the_module_under_the_race_detector() -> None:
    if shutil.which("gcc") is None:
        absent("the race detector needs gcc: apt-get install gcc libc6-dev")
    # A separate cache: the race detector recompiles the standard library, once.
    cache = Path(tempfile.gettempdir()) / f"agentforge-test-go-race-{os.getuid()}"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="agentforge-go-test-") as home:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "GOPATH": f"{home}/go",
            "GOCACHE": str(cache),
            "GOENV": "off",
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "1",
        }
        result = subprocess.run(
            [GO, "test", "-race", "./..."],
            cwd=ROOT / "agent",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    print(result.stdout)
    assert result.returncode == 0, result.stdout
