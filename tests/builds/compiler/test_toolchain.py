"""Find the compilers in shells that are set up for other work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from builds.compiler import toolchain

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = "from builds.compiler import toolchain; print(toolchain.find().digest)"
HOSTILE = {
    "GOROOT": "/nowhere",
    "GOFLAGS": "-nonsense",
    "GOTOOLCHAIN": "go1.99.9",
    "GOEXPERIMENT": "nonsense",
    "GOENV": "/nowhere/env",
    "GCC_EXEC_PREFIX": "/nowhere/",
}


@pytest.mark.parametrize("names", [*([name] for name in HOSTILE), list(HOSTILE)], ids=" ".join)
def test_variables_of_the_shell_change_nothing(names: list[str]) -> None:
    assert _digest({name: HOSTILE[name] for name in names}) == toolchain.find().digest


def test_the_operators_settings_of_go_change_nothing(tmp_path: Path) -> None:
    written = tmp_path / "go" / "env"
    written.parent.mkdir()
    written.write_text("GOTOOLCHAIN=go1.99.9\nGOFLAGS=-nonsense\n")
    assert _digest({"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}) == toolchain.find().digest


def _digest(variables: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
