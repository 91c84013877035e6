"""Write generated files, without touching what somebody else wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from .layout import HEADER
from .problems import ConversionError

TOML = PurePosixPath("netlify.toml")
PACKAGE = PurePosixPath("package.json")
BEGIN = "# >>> api_to_netlify: generated, up to its end mark"
END = "# <<< api_to_netlify"


def write(files: dict[PurePosixPath, str], directory: Path) -> list[PurePosixPath]:
    """Write the files that differ and return their paths; raises ConversionError before the first."""
    stay_inside(files, directory)
    prepared = {path: _prepared(path, text, directory / path) for path, text in files.items()}
    changed = []
    for path, text in prepared.items():
        place = directory / path
        if place.is_file() and place.read_text("utf-8") == text:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        changed.append(path)
    return changed


def stay_inside(files: Iterable[PurePosixPath], directory: Path) -> None:
    """Refuse links that would lead out of the directory."""
    root = directory.resolve()
    for path in files:
        place = directory / path
        if place.is_symlink() or not place.resolve().is_relative_to(root):
            raise ConversionError(
                f"{place} is a link, or is behind one that leads out of {directory}. Nothing was written: "
                "remove the link, or give another --out."
            )


def _prepared(path: PurePosixPath, text: str, place: Path) -> str:
    """Return what is to be written: ours alone, or joined with what is there."""
    there = place.read_text("utf-8") if place.is_file() else None
    if path == TOML:
        return _joined_toml(text, there, place)
    if path == PACKAGE:
        return _joined_package(text, there, place)
    if there is not None and not there.startswith(HEADER):
        raise ConversionError(
            f"{place} exists and was not generated. Nothing was written: move it, or give another --out."
        )
    return text


def _joined_toml(text: str, there: str | None, place: Path) -> str:
    part = f"{BEGIN}\n{text.rstrip()}\n{END}\n"
    if not there:
        return part
    before, mark, rest = there.partition(f"{BEGIN}\n")
    if mark:
        return before + part + rest.partition(f"{END}\n")[2]
    if "[functions]" in there.splitlines():
        raise ConversionError(
            f"{place} has a table [functions] of its own. Nothing was written: move its lines elsewhere, "
            "convert, and join the two tables."
        )
    return f"{there.rstrip()}\n\n{part}"


def _joined_package(text: str, there: str | None, place: Path) -> str:
    if there is None:
        return text
    try:
        package = json.loads(there)
    except ValueError as error:
        raise ConversionError(f"{place} is not JSON, so nothing was written: {error}") from error
    ours = json.loads(text)["dependencies"]
    # What somebody chose stays; only what is missing is added.
    joined = {**ours, **(package.get("dependencies") or {})}
    if joined == (package.get("dependencies") or {}):
        return there
    return json.dumps({**package, "dependencies": dict(sorted(joined.items()))}, indent=2) + "\n"
