"""What of the project acts on its API routes from outside them: middleware, and next.config."""

from __future__ import annotations

from pathlib import Path

from tree_sitter import Node

from converter.javascript.literals import NotLiteral, value_of
from converter.javascript.modules import read_module
from converter.javascript.syntax import field_of, text_of
from converter.problems import Problem, Severity

from .project import ROUTE_SUFFIXES, Project

_CONFIG = {
    "basePath": "Put the path in front of every `from` in netlify.toml, and of the addresses that are asked.",
    "i18n": "Read the locale in the route, from the URL or from accept-language.",
    "rewrites": "Write each as a redirect with status 200 in netlify.toml, above the generated ones.",
    "redirects": "Write each as a redirect in netlify.toml, above the generated ones.",
    "headers": "Write each as [[headers]] in netlify.toml; for answers of functions, in the function.",
    "pageExtensions": "Name the files of the routes .js or .ts, or write the functions by hand.",
    "trailingSlash": "Ask for the addresses without a slash at their end.",
}
_USUAL = {suffix.removeprefix(".") for suffix in ROUTE_SUFFIXES}
_MIDDLEWARE = "Write an edge function (netlify/edge-functions), or call what it does from each route."


def project_problems(project: Project) -> list[Problem]:
    """Return what would be lost without anybody noticing."""
    found: list[Problem] = []
    for directory in (project.root, project.root / "src"):
        for stem in ("middleware", "proxy"):
            for suffix in sorted(ROUTE_SUFFIXES):
                if (file := directory / f"{stem}{suffix}").is_file():
                    name = project.name(file)
                    message = "it runs before every route that it matches, and is not converted."
                    found.append(Problem(name, 1, 1, Severity.ERROR, "middleware", message, _MIDDLEWARE))
    for suffix in (".js", ".mjs", ".ts", ".cjs"):
        if (file := project.root / f"next.config{suffix}").is_file():
            found += _of_config(project, file)
    return found


def _of_config(project: Project, file: Path) -> list[Problem]:
    module = read_module(file, project.name(file), esm_by_default=project.is_module)
    found = []
    for node in module.nodes:
        name = _key(node)
        if name == "env" and _means_something(node):
            message, by_hand = "env gives variables when Next builds.", "Set them on the site."
            found.append(module.problem(node, "next-config", message, by_hand, Severity.WARNING))
        elif name in _CONFIG and _means_something(node):
            message = f"{name} changes the addresses of routes or their answers, and is not converted."
            found.append(module.problem(node, "next-config", message, _CONFIG[name], Severity.ERROR))
    return found


def _key(node: Node) -> str:
    """Return the key of a property at the top of an object that no call is given."""
    if node.type not in ("pair", "method_definition") or node.parent is None:
        return ""
    owner = node.parent.parent
    if owner is not None and owner.type in ("pair", "array", "return_statement"):
        return ""
    key = field_of(node, "key") or field_of(node, "name")
    return text_of(key).strip("\"'") if key else ""


def _means_something(node: Node) -> bool:
    value = field_of(node, "value")
    try:
        known = value_of(value) if value is not None else True
    except NotLiteral:
        return True
    if _key(node) == "pageExtensions" and isinstance(known, list):
        # Others besides the usual ones are of pages, as .mdx.
        return not set(map(str, known)) >= _USUAL or any("." in str(suffix) for suffix in known)
    return bool(known)
