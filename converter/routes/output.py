"""Write generated files, without touching what somebody else wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from converter.problems import ConversionError

from .layout import FUNCTIONS, HEADER

TOML = PurePosixPath("netlify.toml")
PACKAGE = PurePosixPath("package.json")
# Who writes a part of netlify.toml, between marks of its own.
ROUTES = "api_to_netlify"
SOCKETS = "api_to_netlify --migrate"
_TABLE = f'[functions]\n  directory = "{FUNCTIONS}"\n  node_bundler = "esbuild"\n'
_SUFFIXES = (".cjs", ".mjs", ".mts", ".js", ".ts", ".cts")


def prepare(files: dict[PurePosixPath, str], directory: Path, part: str = ROUTES) -> dict[PurePosixPath, str]:
    """Return what is to be written, joined with what is there; raises ConversionError where it can't be."""
    check_inside(files, directory)
    for path in files:
        _refuse_namesakes(path, directory)
    return {path: _prepared(path, text, directory / path, part) for path, text in files.items()}


def write(files: dict[PurePosixPath, str], directory: Path, part: str = ROUTES) -> list[PurePosixPath]:
    """Write the files that differ and return their paths; raises ConversionError before the first."""
    prepared = prepare(files, directory, part)
    changed = []
    for path, text in prepared.items():
        place = directory / path
        if place.is_file() and place.read_text("utf-8") == text:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        changed.append(path)
    for path in files:
        for other in _namesakes(path, directory):
            other.unlink()  # ours, of a conversion of another kind
    return changed


def stale_functions(files: Iterable[PurePosixPath], directory: Path) -> list[PurePosixPath]:
    """Return the functions of earlier conversions of routes: Netlify would go on to serve them."""
    there = sorted((directory / FUNCTIONS).glob("*.*"))
    wrappers = [path for path in there if path.suffix in _SUFFIXES and "/adapter/serve.cjs" in _head(path)]
    names = {FUNCTIONS / path.name for path in wrappers}
    return sorted(names - set(files))


def _namesakes(path: PurePosixPath, directory: Path) -> list[Path]:
    """Return other files that make a function of the same name."""
    if path.parent != FUNCTIONS:
        return []
    others = (directory / path.with_suffix(suffix) for suffix in _SUFFIXES if suffix != path.suffix)
    return [other for other in others if other.is_file()]


def _refuse_namesakes(path: PurePosixPath, directory: Path) -> None:
    for other in _namesakes(path, directory):
        if not _head(other).startswith(HEADER):
            raise ConversionError(
                f"{other} is a function of the same name as the generated {path.name}. Nothing was written: "
                "rename it, or give another --out."
            )


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(1000).decode("utf-8", "replace")


def check_inside(files: Iterable[PurePosixPath], directory: Path) -> None:
    """Refuse links that would lead out of the directory."""
    root = directory.resolve()
    for path in files:
        place = directory / path
        if place.is_symlink() or not place.resolve().is_relative_to(root):
            raise ConversionError(
                f"{place} is a link, or is behind one that leads out of {directory}. Nothing was written: "
                "remove the link, or give another --out."
            )


def _prepared(path: PurePosixPath, text: str, place: Path, part: str) -> str:
    """Return what is to be written: ours alone, or joined with what is there."""
    there = place.read_text("utf-8") if place.is_file() else None
    if path == TOML:
        return _joined_toml(text, there or "", place, part)
    if path == PACKAGE:
        return _joined_package(text, there, place)
    if there is not None and not there.startswith(HEADER):
        raise ConversionError(
            f"{place} exists and was not generated. Nothing was written: move it, or give another --out."
        )
    return text


def _joined_toml(text: str, there: str, place: Path, part: str) -> str:
    before, after = _around(there, part)
    others = before + after
    if "[functions]" in _without(others, {ROUTES, SOCKETS} - {part}).splitlines():
        raise ConversionError(
            f"{place} has a table [functions] of its own. Nothing was written: move its lines elsewhere, "
            "convert, and join the two tables."
        )
    # One table for both parts.
    table = "" if "[functions]" in others.splitlines() else f"{_TABLE}\n"
    made = f"{_begin(part)}\n{(table + text.strip()).rstrip()}\n{_end(part)}\n"
    if _begin(part) in there or not there:
        return before + made + after
    return f"{there.rstrip()}\n\n{made}"


def _begin(part: str) -> str:
    return f"# >>> {part}: generated, up to its end mark"


def _end(part: str) -> str:
    return f"# <<< {part}"


def _around(text: str, part: str) -> tuple[str, str]:
    """Return what is before a generated part, and what is behind it."""
    before, mark, rest = text.partition(f"{_begin(part)}\n")
    return before, rest.partition(f"{_end(part)}\n")[2] if mark else ""


def _without(text: str, parts: set[str]) -> str:
    for part in parts:
        text = "".join(_around(text, part))
    return text


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
