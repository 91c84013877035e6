"""Pinned packages from npm, installed once per machine, and Node itself."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .absence import absent

CACHE = Path(tempfile.gettempdir()) / f"agentforge-npm-{os.getuid()}"
REMEDY = "Install Node 18 or newer with npm: apt-get install nodejs npm"
_SECONDS = 540


def program(name: str) -> str:
    """Return the path of `node` or `npm`; without it, the test is skipped."""
    path = shutil.which(name)
    if path is None:
        absent(f"{name} is missing. {REMEDY}")
    return path


def packages(versions: Mapping[str, str]) -> Path:
    """Return a node_modules with these packages, installed once for all test processes.

    Install scripts do not run.
    """
    key = json.dumps(dict(versions), sort_keys=True)
    first = next(iter(versions)).replace("/", "-").removeprefix("@")
    directory = CACHE / f"{first}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    CACHE.mkdir(mode=0o700, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "complete").is_file():
            _install(directory, versions)
    return directory / "node_modules"


def _install(directory: Path, versions: Mapping[str, str]) -> None:
    # What an interrupted install left would be trusted.
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "package.json").write_text(json.dumps({"private": True, "dependencies": dict(versions)}))
    command = [program("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    result = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert result.returncode == 0, f"npm could not install {', '.join(versions)}: {result.stderr[-2000:]}"
    (directory / "complete").touch()
