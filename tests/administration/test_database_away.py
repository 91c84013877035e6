"""Commands while the database is away: a sentence that an operator can act on, soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drivers.forge import ROOT

NOBODY = "postgresql://forge:hidden-password@127.0.0.1:1/forge"


def _managed(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    own = {"DATABASE_URL": NOBODY, "AGENTFORGE_VAR": str(tmp_path), "LOCAL_MODEL": "0"}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("prune",),
        ("rotate_keys",),
        ("shared_secrets",),
        ("deployments", "list"),
        ("operator", "ada@example.com"),
        ("backup", "-", "--without-secrets"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_says_what_to_mend(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = _managed(tmp_path, *words)
    assert done.returncode == 1
    assert "Check DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hidden-password" not in done.stdout + done.stderr


def test_doctor_waits_for_it_once(tmp_path: Path) -> None:
    began = time.monotonic()
    done = _managed(tmp_path, "doctor", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {line["name"]: line for line in lines if line["kind"] == "examination"}
    assert found["database"]["state"] == "failed"
    assert done.returncode == 1
    # What does not need it may take as long: compilers on a busy machine.
    failed = [line for line in found.values() if line["state"] == "failed"]
    waited = [line["name"] for line in failed if line["seconds"] >= 9]
    assert waited == ["database"], f"{time.monotonic() - began:.0f} s in all"
