"""Write the functions, netlify.toml and package.json of a conversion."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from .layout import ADAPTER, FUNCTIONS, HEADER, header, specifier
from .model import Options, Route
from .patterns import Pattern
from .project import Style

ADAPTER_SOURCES = Path(__file__).parent / "adapter"


def name_functions(routes: list[Route]) -> None:
    """Give every route the name of its function: unique, of letters that Netlify takes."""
    taken: set[str] = set()
    for route in routes:
        words = "-".join(s.name for s in route.url.segments) or "index"
        plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in words)
        base = "-".join(filter(None, plain.split("-"))) or "route"
        name, number = base, 2
        while name.lower() in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name.lower())
        route.name = name


def facts_of(route: Route, options: Options) -> dict[str, Any]:
    """Return what the adapter has to know of a route."""
    config = route.config
    facts: dict[str, Any] = {"name": route.name, "style": str(route.style), "segments": route.url.as_list()}
    if route.style == Style.PAGES and str(config.get("runtime", "")).endswith("edge"):
        facts["style"] = "edge"
    if route.style == Style.PAGES and "api" in config:
        facts["api"] = config["api"]
    if route.style == Style.APP and config.get("dynamic") in ("force-static", "error"):
        facts["static"] = True
    if route.style == Style.APP and (kept := _kept_for(config)) is not None:
        facts["revalidate"] = kept
    if options.cors:
        facts["cors"] = list(options.cors)
    if route.protected:
        facts["supabase"] = True
    return facts


def _kept_for(config: dict[str, Any]) -> int | None:
    """Return the seconds that the CDN may keep an answer to GET, None for not at all."""
    static = config.get("dynamic") in ("force-static", "error")
    seconds = config.get("revalidate", False if static else 0)
    if config.get("dynamic") == "force-dynamic":
        return None
    if seconds is False:  # for ever, as Next has it
        return 31536000
    return int(seconds) or None


def function_of(
    route: Route, out: PurePosixPath, options: Options, others: list[Pattern]
) -> dict[PurePosixPath, str]:
    """Return the file of a route's function; `others` are the routes that come before it."""
    facts = json.dumps(facts_of(route, options), ensure_ascii=False)
    suffix = ".mts" if options.typescript else ".mjs" if options.v2 else ".cjs"
    place = FUNCTIONS / f"{route.name}{suffix}"
    module = json.dumps(specifier(place, out), ensure_ascii=False)
    serve = json.dumps(specifier(place, ADAPTER / "serve.cjs"))
    head = header(str(route.url), route.file)
    load = f"() => import({module})"
    if options.v2:
        config: dict[str, Any] = {"path": route.url.for_functions()}
        excluded = [path for other in others if other.overlaps(route.url) for path in other.for_functions()]
        if excluded:
            config["excludedPath"] = excluded
        written = json.dumps(config, ensure_ascii=False)
        body = f"import {{ web }} from {serve};\n\nexport default web({load}, {facts});\n"
        body += f"\nexport const config = {written};\n"
    elif options.typescript:
        body = f"import {{ classic }} from {serve};\n\nexport const handler = classic({load}, {facts});\n"
    else:
        body = f'"use strict";\nconst {{ classic }} = require({serve});\n'
        body += f"\nexports.handler = classic({load}, {facts});\n"
    return {place: head + body}


def redirects_of(routes: list[Route]) -> str:
    """Return the part of netlify.toml that keeps the old addresses; the first that matches wins.

    `/*` matches what is before it, too: what [...slug] leaves to others there goes to them first. And
    what a route would answer that is not converted is answered by nobody, not by one that comes later.
    """
    blocks: list[str] = []
    for index, route in enumerate(routes):
        later = [other for other in routes[index + 1 :] if other.url.overlaps(route.url)]
        if route.converted or any(other.converted for other in later):
            blocks += [_passed_on(route.url, other) for other in _beside(route, routes[index + 1 :])]
            blocks.append(_redirect(route, route.url.for_redirects(), route.url.arguments()))
    return "\n".join(blocks)


def _beside(route: Route, later: list[Route]) -> list[Route]:
    """Return the routes that answer what is before the `/*` of a route with [...slug]."""
    if not route.url.needs_rest:
        return []
    return [other for other in later if route.url.before_rest.meeting(other.url) is not None]


def _passed_on(url: Pattern, other: Route) -> str:
    return _redirect(other, *(url.before_rest.meeting(other.url) or ("", "")))


def _redirect(route: Route, place: str, arguments: str) -> str:
    to = f"/.netlify/functions/{route.name}{arguments}" if route.converted else "/404.html"
    lines = ["[[redirects]]", f"  from = {_toml(place)}", f"  to = {_toml(to)}"]
    if not route.converted:
        lines.insert(0, header(f"{route.file} is not converted").replace(f"{HEADER} ", "# ").rstrip())
    return "\n".join([*lines, f"  status = {200 if route.converted else 404}", "  force = true", ""])


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def toml_of(routes: list[Route], options: Options) -> str:
    """Return the generated part of netlify.toml, without the table of functions."""
    environment = sorted({name for route in routes if route.converted for name in route.environment})
    named = "".join(f"#   {name}\n" for name in environment)
    asked = f"# Environment variables that the functions read:\n{named}" if environment else ""
    return asked + ("" if options.v2 else f"\n{redirects_of(routes)}")


def package_of(routes: list[Route], known: dict[str, str], options: Options) -> str:
    """Return the package.json with what the functions import, in the versions of the project."""
    packages = {name: known[name] for r in routes for name in sorted(r.packages) if name in known}
    if options.typescript:
        packages |= {name: known.get(name, "*") for name in ("@types/node",) if name in known}
    return json.dumps({"private": True, "dependencies": dict(sorted(packages.items()))}, indent=2) + "\n"


@cache
def _adapter_sources() -> dict[str, str]:
    return {
        file.name: file.read_text("utf-8")
        for file in sorted(ADAPTER_SOURCES.rglob("*"), key=lambda path: path.name)
        if file.suffix in (".cjs", ".cts")
    }


def adapter_files(options: Options) -> dict[PurePosixPath, str]:
    """Return the files of the adapter; with types if the functions keep theirs."""
    wanted = (".cjs", ".cts") if options.typescript else (".cjs",)
    sources = _adapter_sources()
    return {ADAPTER / name: text for name, text in sources.items() if name.endswith(wanted)}
