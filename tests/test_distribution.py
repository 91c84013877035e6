"""The tests are shared out among the workers by unit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.distribution import SLOW, UNITS

ROOT = Path(__file__).resolve().parent.parent
LINES = """
import os
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number):
    with open("order", "a") as order:
        print(os.environ["PYTEST_XDIST_WORKER"], __file__.removeprefix(os.getcwd() + "/"), file=order)
"""
FILES = ("tests/test_quick.py", "tests/builds/test_a.py", "tests/builds/test_b.py", "tests/screen/test_a.py",
         "tests/launcher/test_a.py", "tests/screen/test_b.py", "tests/chaos/test_a.py")  # fmt: skip


def test_one_worker_runs_all_of_a_unit_and_the_long_ones_come_first(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LINES)
    modes = {parent: parent.stat().st_mode for parent in tmp_path.parents}
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib")
    options = ("-q", "-n", "2", "-p", "tests.distribution", "-p", "no:django", "-p", "no:schemathesis",
               # Else it shuts the directory of all runs, in which other users' programs run meanwhile.
               f"--basetemp={tmp_path / 'run'}")  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout
    # Nothing that other tests rely on was shut meanwhile.
    assert all(parent.stat().st_mode & mode == mode for parent, mode in modes.items())
    lines = [line.split() for line in (tmp_path / "order").read_text().splitlines()]
    assert len(lines) == 4 * len(FILES)
    worker_of = {file: {worker for worker, of in lines if of == file} for file in FILES}
    assert all(len(workers) == 1 for workers in worker_of.values()), worker_of
    assert worker_of["tests/launcher/test_a.py"] == worker_of["tests/chaos/test_a.py"]
    assert worker_of["tests/screen/test_a.py"] == worker_of["tests/screen/test_b.py"]
    assert worker_of["tests/screen/test_a.py"] != worker_of["tests/chaos/test_a.py"]
    for own in {worker: [of for by, of in lines if by == worker] for worker, _ in lines}.values():
        assert own[0].startswith(("tests/launcher/", "tests/chaos/", "tests/screen/"))
        assert "tests/test_quick.py" not in own[:-4]


def test_what_is_named_exists() -> None:
    for path in (*(part for parts in UNITS for part in parts), *SLOW):
        assert (ROOT / path).exists(), path
