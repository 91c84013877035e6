"""Run a program that tries to get out of the sandbox, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from builds.compiler import sandbox, toolchain
from tests.drivers.sandboxed import SANDBOXED

pytestmark = SANDBOXED
ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).with_name("hostile.c")
# Runs the program in the sandbox, as the user that starts this, and prints the level and the output.
DRIVER = """
import json, subprocess, sys
from pathlib import Path
from builds.compiler import sandbox
program, own, readable, *arguments = sys.argv[1:]
access = sandbox.FileAccess(Path(own), writes=[Path(own)], reads=[Path(program), Path(readable)])
command = sandbox.wrap([program, *arguments], access, sandbox.Limits(seconds=30))
done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=30)
print(json.dumps([sandbox.level(), sandbox.failed_proofs(), done.stdout, done.stderr, done.returncode]))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiled = tmp_path_factory.mktemp("hostile") / "hostile"
    compiler = toolchain.find().cc.split()
    subprocess.run([*compiler, "-O1", "-Wall", "-o", compiled, SOURCE], check=True, timeout=120)
    return compiled


@pytest.fixture
def place(program: Path) -> Iterator[Path]:
    """Return a directory that every user reaches: the program, its directories and a secret."""
    with tempfile.TemporaryDirectory(prefix="agentforge-hostile-", ignore_cleanup_errors=True) as name:
        base = Path(name)
        base.chmod(0o755)
        shutil.copy(program, base / "hostile")
        (base / "own").mkdir()
        (base / "readable").mkdir()
        (base / "secret").write_text("secret")
        (base / "secret").chmod(0o644)
        yield base


def _attack(base: Path, user: str | None) -> tuple[str, list[str], list[str]]:
    if user is not None:
        for path in (base, base / "own", base / "readable"):
            shutil.chown(path, user)
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [
            *(base / "hostile", base / "own", base / "readable"),
            *(base / "secret", base / "readable", os.getpid(), server.getsockname()[1]),
        ]
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, *map(str, arguments)],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(base), "PYTHONDONTWRITEBYTECODE": "1"},
            user=user,
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    level, failures, output, errors, code = json.loads(done.stdout)
    assert code == 0, errors
    return level, failures, output.splitlines()


@pytest.mark.parametrize("user", [None, "nobody"])
def test_no_way_out_is_open(place: Path, user: str | None) -> None:
    if user is not None and (os.geteuid() != 0 or not _reaches(user)):
        pytest.skip("only root can become another user, which must reach this checkout and its Python")
    level, failures, open_ways = _attack(place, user)
    assert (level, failures) == (sandbox.BUBBLEWRAP, [])
    *open_ways, summary = open_ways
    assert open_ways == []
    assert int(summary.split()[0]) >= 30


def test_the_program_finds_the_open_ways(program: Path, place: Path) -> None:
    """Without the sandbox the same program gets through, so its silence means something."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [place / "secret", place / "readable", os.getpid(), server.getsockname()[1]]
        done = subprocess.run(
            [program, *map(str, arguments)], cwd=place / "own", capture_output=True, text=True, timeout=30
        )
    assert {"read a file outside", "connect to the machine", "signal the forge"} <= set(
        done.stdout.splitlines()
    )


def _reaches(user: str) -> bool:
    command = [sys.executable, "-c", "import psutil, builds.compiler.sandbox"]
    done = subprocess.run(command, cwd=ROOT, user=user, extra_groups=[], capture_output=True, env={})
    return done.returncode == 0
