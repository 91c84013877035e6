"""`make bench NAME` measures each of what it can."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bench.__main__ import MEASUREMENTS
from tests.drivers.forge import ROOT


@pytest.mark.parametrize("name", [*MEASUREMENTS, "first_minute"])
def test_make_measures_what_is_named(name: str) -> None:
    command = ["make", "--dry-run", "bench", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f" -m bench {name}\n" in done.stdout


def test_a_measurement_that_is_ended_leaves_no_server() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)  # the server has a user of its own
        command = [sys.executable, "-m", "bench", "pages"]
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TMPDIR": name}, stderr=subprocess.DEVNULL
        ) as bench:
            # Nothing tells of the server: look again.
            while not (server := _server_below(directory)):
                assert bench.poll() is None
                time.sleep(0.05)
            bench.terminate()
        assert not Path(f"/proc/{server}").exists()
        assert list(directory.glob("agentforge-bench-*")) == []


def _server_below(directory: Path) -> str:
    """Return the process id of the measurement's server; nothing before it is written."""
    texts = [path.read_text() for path in directory.glob("agentforge-bench-*/postgres/postmaster.pid")]
    return texts[0].partition("\n")[0] if texts else ""
