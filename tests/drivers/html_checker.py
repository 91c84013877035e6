"""The Nu HTML checker (https://validator.github.io/validator/) from npm, installed once per machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from . import npm
from .absence import absent

PACKAGE, VERSION = "vnu-jar", "26.9.27"
REMEDY = "The HTML checker needs Java and npm: apt-get install default-jre-headless npm"


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        absent(f"{name} is missing. {REMEDY}")
    return path


def _jar() -> Path:
    """Return the checker, and install it if it is missing."""
    return npm.packages({PACKAGE: VERSION}) / PACKAGE / "build" / "dist" / "vnu.jar"


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
