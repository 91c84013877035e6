"""Migrate a copy of a project of the corpus, and run what came out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from converter.sockets.migration import STEPS, Report, open_migration
from tests.converter.node import program

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"


def migrate_copy(name: str, directory: Path, *, apply: bool = True) -> dict[str, Report]:
    """Copy a project and run all steps on the copy."""
    shutil.copytree(CORPUS / name, directory)
    migration = open_migration(directory, None, apply=apply)
    return {step: migration.run(step) for step in STEPS}


@contextmanager
def function_server(directory: Path, page: str, **environment: str) -> Iterator[str]:
    """Serve the functions of a directory, with a page that runs a script of it; yields the address."""
    command = [program("node"), str(HERE / "serve.mjs"), str(directory), page]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
