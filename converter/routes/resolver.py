"""Resolve imports to files as Next's bundler does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .project import Project

# The order in which suffixes are tried.
ORDER = (".tsx", ".ts", ".jsx", ".js", ".mjs", ".json", ".mts", ".cts", ".cjs")
# A TypeScript file may be imported by the name of its compiled file.
COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}


class UnresolvedImport(LookupError):
    """Raised for an import of a project file that does not exist."""


def resolve(project: Project, importer: Path, specifier: str) -> Path | None:
    """Return the file that an import resolves to, None for a package; raises UnresolvedImport."""
    try:
        return _resolve(project, importer, specifier)
    except (OSError, ValueError) as error:
        raise UnresolvedImport(specifier) from error  # not a valid file name


def _resolve(project: Project, importer: Path, specifier: str) -> Path | None:
    if specifier.startswith((".", "/")):
        base = project.root / specifier.lstrip("/") if specifier[0] == "/" else importer.parent / specifier
        if (file := _complete(base.resolve())) is None:
            raise UnresolvedImport(specifier)
        return file
    for pattern, targets in project.aliases:
        if (middle := _wildcard_match(pattern, specifier)) is None:
            continue
        for target in targets:
            candidate = Path(str(target).replace("*", middle, 1)).resolve()
            if (file := _complete(candidate)) is not None:
                return file
        if "*" in pattern and pattern != "*":
            raise UnresolvedImport(specifier)
    if project.base_url is not None:
        return _complete((project.base_url / specifier).resolve())
    return None


def _wildcard_match(pattern: str, specifier: str) -> str | None:
    """Return what `*` in an alias stands for; None if the alias does not match."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if specifier == pattern else None
    fits = len(specifier) >= len(before) + len(after)
    if fits and specifier.startswith(before) and specifier.endswith(after):
        return specifier[len(before) : len(specifier) - len(after)]
    return None


@cache
def _complete(base: Path) -> Path | None:
    if base.suffix and base.is_file():
        return base
    for suffix in ORDER:
        if (candidate := base.with_name(f"{base.name}{suffix}")).is_file():
            return candidate
    for suffix in COMPILED.get(base.suffix, ()):
        if (candidate := base.with_suffix(suffix)).is_file():
            return candidate
    index_files = (base / f"index{suffix}" for suffix in ORDER)
    return next(filter(Path.is_file, index_files), None)


def package_of(specifier: str) -> str:
    """Return the package name of a bare import."""
    parts = specifier.split("/")
    return "/".join(parts[: 2 if specifier.startswith("@") else 1])


def clear_cache() -> None:
    """Forget which files exist; call before each conversion."""
    _complete.cache_clear()
