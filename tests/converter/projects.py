"""Write small projects and convert them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from converter.routes.conversion import convert
from converter.routes.model import Conversion, Options
from converter.routes.output import write

CORPUS = Path(__file__).parent / "routes" / "corpus"


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
    document = tomllib.loads((out / "netlify.toml").read_text())
    redirects: list[dict[str, Any]] = document.get("redirects", [])
    return redirects


def drive_target(out: Path, options: Options | None = None) -> dict[str, Any]:
    """Describe converted functions for `node.drive`."""
    return {"out": str(out), "v2": (options or Options()).v2, "redirects": read_redirects(out)}
