"""Generate the functions, netlify.toml and package.json of a conversion."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from .layout import ADAPTER, FUNCTIONS, HEADER, header, import_thunk, slug, specifier, unique_name
from .model import Options, Route
from .output import environment_comment
from .patterns import Pattern
from .project import Style

ADAPTER_SOURCES = Path(__file__).parent / "adapter"


def name_functions(routes: list[Route]) -> None:
    """Give every route a unique function name that Netlify accepts."""
    taken: set[str] = set()
    for route in routes:
        words = slug("-".join(s.name for s in route.url.segments) or "index").split("-")
        route.name = unique_name("-".join(filter(None, words)) or "route", taken)


def facts_of(route: Route, options: Options) -> dict[str, Any]:
    """Return the facts about a route that the adapter needs at run time."""
    config = route.config
    facts: dict[str, Any] = {"name": route.name, "style": str(route.style), "segments": route.url.as_list()}
    if route.style == Style.PAGES:
        if str(config.get("runtime", "")).endswith("edge"):
            facts["style"] = "edge"
        if "api" in config:
            facts["api"] = config["api"]
    else:
        if config.get("dynamic") in ("force-static", "error"):
            facts["static"] = True
        if (seconds := _cache_seconds(config)) is not None:
            facts["revalidate"] = seconds
    if options.cors:
        facts["cors"] = list(options.cors)
    if route.protected:
        facts["supabase"] = True
    return facts


def _cache_seconds(config: dict[str, Any]) -> int | None:
    """Return how long the CDN may cache responses to GET; None means not at all."""
    static = config.get("dynamic") in ("force-static", "error")
    seconds = config.get("revalidate", False if static else 0)
    if config.get("dynamic") == "force-dynamic":
        return None
    if seconds is False:  # Next caches it forever
        return 31536000
    return int(seconds) or None


def function_of(
    route: Route, out: PurePosixPath, options: Options, earlier: list[Pattern]
) -> dict[PurePosixPath, str]:
    """Return the file of a route's function; `earlier` are the routes that take precedence."""
    suffix = ".mts" if options.typescript else ".mjs" if options.v2 else ".cjs"
    place = FUNCTIONS / f"{route.name}{suffix}"
    facts = json.dumps(facts_of(route, options), ensure_ascii=False)
    arguments = f"{import_thunk(place, out)}, {facts}"
    serve = json.dumps(specifier(place, ADAPTER / "serve.cjs"))
    if options.v2:
        config: dict[str, Any] = {"path": route.url.for_functions()}
        excluded = [path for other in earlier if other.overlaps(route.url) for path in other.for_functions()]
        if excluded:
            config["excludedPath"] = excluded
        body = f"import {{ web }} from {serve};\n\nexport default web({arguments});\n"
        body += f"\nexport const config = {json.dumps(config, ensure_ascii=False)};\n"
    elif options.typescript:
        body = f"import {{ classic }} from {serve};\n\nexport const handler = classic({arguments});\n"
    else:
        body = f'"use strict";\nconst {{ classic }} = require({serve});\n'
        body += f"\nexports.handler = classic({arguments});\n"
    return {place: header(str(route.url), route.file) + body}


def redirects_of(routes: list[Route]) -> str:
    """Return the redirects from the original URLs to the functions; the first match wins.

    `/*` also matches the path before it, so redirects to the routes that handle that path come first.
    A route that is not converted answers 404, so that no later route catches its URLs.
    """
    blocks: list[str] = []
    for index, route in enumerate(routes):
        later = routes[index + 1 :]
        if route.converted or any(other.converted for other in later if other.url.overlaps(route.url)):
            if route.url.needs_rest:
                blocks += _redirects_before_rest(route.url, later)
            blocks.append(_redirect(route, route.url.for_redirects(), route.url.arguments()))
    return "\n".join(blocks)


def _redirects_before_rest(url: Pattern, later: list[Route]) -> list[str]:
    """Return redirects for the path before the `/*` of a catch-all URL, which other routes handle."""
    matches = [(other, url.before_rest.intersection(other.url)) for other in later]
    return [_redirect(other, *both) for other, both in matches if both is not None]


def _redirect(route: Route, place: str, arguments: str) -> str:
    to = f"/.netlify/functions/{route.name}{arguments}" if route.converted else "/404.html"
    lines = ["[[redirects]]", f"  from = {_toml(place)}", f"  to = {_toml(to)}"]
    if not route.converted:
        lines.insert(0, header(f"{route.file} is not converted").replace(f"{HEADER} ", "# ").rstrip())
    return "\n".join([*lines, f"  status = {200 if route.converted else 404}", "  force = true", ""])


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def toml_of(routes: list[Route], options: Options) -> str:
    """Return the generated section of netlify.toml, without the [functions] table."""
    environment = {name for route in routes if route.converted for name in route.environment}
    return environment_comment(environment) + ("" if options.v2 else f"\n{redirects_of(routes)}")


def package_json(packages: set[str], versions: dict[str, str], *, typescript: bool = False) -> str:
    """Return a package.json with the packages that the functions import, at the project's versions."""
    names = packages | {"@types/node"} if typescript else packages
    dependencies = {name: versions[name] for name in sorted(names) if name in versions}
    return json.dumps({"private": True, "dependencies": dependencies}, indent=2) + "\n"


@cache
def _adapter_sources() -> dict[str, str]:
    files = sorted(ADAPTER_SOURCES.rglob("*.c[jt]s"), key=lambda file: file.name)
    return {file.name: file.read_text("utf-8") for file in files}


def adapter_files(options: Options) -> dict[PurePosixPath, str]:
    """Return the adapter; with type declarations if the functions keep their types."""
    suffixes = (".cjs", ".cts") if options.typescript else (".cjs",)
    sources = _adapter_sources()
    return {ADAPTER / name: text for name, text in sources.items() if name.endswith(suffixes)}
