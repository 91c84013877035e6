"""Run commands of a forge: of this test's database, or of a machine with a data directory of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.drivers.web_process import ROOT, environment

Done = subprocess.CompletedProcess[bytes]
PASSPHRASE = "a passphrase for the test"


def manage(
    *arguments: str | Path, stdin: bytes | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> Done:
    """Run a command on the database of this test, with more variables."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
    )


class Machine:
    """A machine that has no `DATABASE_URL`, and so a private server; its Go cache is the test run's."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.environment = {
            "AGENTFORGE_VAR": str(var),
            "DATABASE_URL": "",
            "AGENTFORGE_SITES_DIR": str(var / "sites"),
        }

    def manage(self, *arguments: str | Path, stdin: bytes | None = None) -> Done:
        return manage(*arguments, stdin=stdin, more=self.environment)


def passphrase_file(directory: Path) -> Path:
    path = directory / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    return path


def said(done: Done) -> str:
    return f"{done.stdout.decode(errors='replace')[-2000:]}{done.stderr.decode()[-3000:]}"
