"""Write small projects, and convert them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from converter.routes.conversion import convert
from converter.routes.model import Conversion, Options
from converter.routes.output import write

HERE = Path(__file__).parent
CORPUS = HERE / "routes" / "corpus"
HARNESS = HERE / "harness"


def write_project(directory: Path, files: dict[str, str]) -> Path:
    """Write files and return the directory."""
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


def convert_to(path: Path, out: Path, options: Options | None = None) -> Conversion:
    conversion = convert(path, options or Options())
    write(conversion.files, out)
    return conversion


def read_redirects(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((out / "netlify.toml").read_text()).get("redirects", [])
    return found
