"""`make bench NAME` measures each of what it can."""

from __future__ import annotations

import subprocess

import pytest

from bench.__main__ import MEASUREMENTS
from tests.drivers.forge import ROOT


@pytest.mark.parametrize("name", [*MEASUREMENTS, "first_minute"])
def test_make_measures_what_is_named(name: str) -> None:
    command = ["make", "--dry-run", "bench", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f" -m bench {name}\n" in done.stdout
