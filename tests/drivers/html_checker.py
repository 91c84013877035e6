"""The Nu HTML checker (https://validator.github.io/validator/) from npm, installed once per machine."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .absence import absent

PACKAGE, VERSION = "vnu-jar", "26.9.27"
REMEDY = "The HTML checker needs Java and npm: apt-get install default-jre-headless npm"
_CACHE = Path(tempfile.gettempdir()) / f"agentforge-vnu-{os.getuid()}"


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        absent(f"{name} is missing. {REMEDY}")
    return path


def _jar() -> Path:
    """Return the checker, and install it if it is missing."""
    directory = _CACHE / VERSION
    _CACHE.mkdir(mode=0o700, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "complete").is_file():
            directory.mkdir(exist_ok=True)
            packages = {"private": True, "dependencies": {PACKAGE: VERSION}}
            (directory / "package.json").write_text(json.dumps(packages))
            command = [program("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run([*command, "--loglevel=error"], cwd=directory, check=True, timeout=540)
            (directory / "complete").touch()
    return directory / "node_modules" / PACKAGE / "build" / "dist" / "vnu.jar"


def problems(pages: dict[str, str], directory: Path) -> list[str]:
    """Return what is wrong in pages by name, one line each; `directory` is scratch space."""
    names = {}
    for number, (name, content) in enumerate(pages.items()):
        file = directory / f"{number}.html"
        file.write_text(content)
        names[f"file:{file}"] = name
    command = [program("java"), "-Xss1m", "-jar", str(_jar()), "--format", "json", "--errors-only"]
    done = subprocess.run(
        [
            *command,
            "--stdout",
            "--exit-zero-always",
            *(str(path) for path in sorted(directory.glob("*.html"))),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    found = json.loads(done.stdout)["messages"]
    return [f"{names[each['url']]}: {each['message']} {each.get('extract', '').strip()!r}" for each in found]
