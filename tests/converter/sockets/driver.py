"""Migrate a copy of a corpus project, and serve the generated functions."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from converter.sockets.migration import STEPS, Migration, Report, open_migration
from tests.converter.node import program
from tests.converter.projects import write_project

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
WS = "import WebSocket, { WebSocketServer } from 'ws';\n"
IO = "import { Server } from 'socket.io';\n"
SERVER = IO + "const io = new Server(1);\n"


def migrate_copy(name: str, directory: Path, *, apply: bool = True) -> dict[str, Report]:
    """Copy a corpus project and run every step on the copy."""
    shutil.copytree(CORPUS / name, directory)
    migration = open_migration(directory, None, apply=apply)
    return {step: migration.run(step) for step in STEPS}


def open_sources(directory: Path, files: dict[str, str], *, apply: bool = False) -> Migration:
    """Write a project with these files and open a migration of it."""
    package = '{"type": "module", "dependencies": {"ws": "8", "socket.io": "4"}}'
    return open_migration(write_project(directory, {"package.json": package, **files}), None, apply=apply)


@contextmanager
def function_server(directory: Path, page: str, **environment: str) -> Iterator[str]:
    """Serve the functions of a directory and a page with one of its scripts; yields the URL."""
    command = [program("node"), str(HERE / "serve.mjs"), str(directory), page]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
