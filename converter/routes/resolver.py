"""Find the file that an import means, as Next's bundler does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .project import Project

# In this order a name without suffix is completed.
ORDER = (".tsx", ".ts", ".jsx", ".js", ".mjs", ".json", ".mts", ".cts", ".cjs")
# A TypeScript file may be imported by the name that it has once compiled.
COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}


class UnresolvedImport(LookupError):
    """The import names a file of the project that isn't there."""


def resolve(project: Project, importer: Path, specifier: str) -> Path | None:
    """Return the file that an import means, None for a package; raises UnresolvedImport."""
    try:
        return _resolve(project, importer, specifier)
    except (OSError, ValueError) as error:
        raise UnresolvedImport(specifier) from error  # no file can have such a name


def _resolve(project: Project, importer: Path, specifier: str) -> Path | None:
    if specifier.startswith((".", "/")):
        base = project.root / specifier.lstrip("/") if specifier[0] == "/" else importer.parent / specifier
        if (found := _complete(base.resolve())) is None:
            raise UnresolvedImport(specifier)
        return found
    for pattern, targets in project.aliases:
        if (middle := _matched(pattern, specifier)) is None:
            continue
        for target in targets:
            candidate = Path(str(target).replace("*", middle, 1)).resolve()
            if (found := _complete(candidate)) is not None:
                return found
        if "*" in pattern and pattern != "*":
            raise UnresolvedImport(specifier)
    if project.base_url is not None:
        return _complete((project.base_url / specifier).resolve())
    return None


def _matched(pattern: str, specifier: str) -> str | None:
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
    return next((base / f"index{suffix}" for suffix in ORDER if (base / f"index{suffix}").is_file()), None)


def package_of(specifier: str) -> str:
    """Return the package that a bare import is from."""
    parts = specifier.split("/")
    return "/".join(parts[: 2 if specifier.startswith("@") else 1])


def clear_cache() -> None:
    """Drop what is known of the disk; a conversion starts with it."""
    _complete.cache_clear()
