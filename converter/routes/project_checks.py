"""Report what affects API routes from outside: middleware and next.config."""

from __future__ import annotations

from pathlib import Path

from tree_sitter import Node

from converter.javascript.literals import NotLiteral, value_of
from converter.javascript.modules import read_module
from converter.javascript.syntax import field_of, text_of
from converter.problems import Problem, Severity

from .project import CONFIG_FILES, ROUTE_SUFFIXES, Project

_CONFIG = {
    "basePath": "Prefix every `from` in netlify.toml with the path, and the URLs that clients request.",
    "i18n": "Read the locale in the route, from the URL or the accept-language header.",
    "rewrites": "Write each as a redirect with status 200 in netlify.toml, above the generated ones.",
    "redirects": "Write each as a redirect in netlify.toml, above the generated ones.",
    "headers": "Write each as [[headers]] in netlify.toml; set those of responses in the function.",
    "pageExtensions": "Rename the route files to .js or .ts, or write the functions by hand.",
    "trailingSlash": "Request URLs without a trailing slash.",
}
_DEFAULT_EXTENSIONS = {suffix.removeprefix(".") for suffix in ROUTE_SUFFIXES}
_MIDDLEWARE_FILES = [
    f"{stem}{suffix}" for stem in ("middleware", "proxy") for suffix in sorted(ROUTE_SUFFIXES)
]
_MIDDLEWARE = "Write an edge function (netlify/edge-functions), or call its code from each route."


def project_problems(project: Project) -> list[Problem]:
    """Return what the conversion would otherwise drop silently."""
    problems: list[Problem] = []
    for directory in (project.root, project.root / "src"):
        for name in _MIDDLEWARE_FILES:
            if (file := directory / name).is_file():
                message = "middleware runs before the routes it matches, and is not converted."
                problems.append(
                    Problem(project.name(file), 1, 1, Severity.ERROR, "middleware", message, _MIDDLEWARE)
                )
    for name in CONFIG_FILES:
        if (file := project.root / name).is_file():
            problems += _config_problems(project, file)
    return problems


def _config_problems(project: Project, file: Path) -> list[Problem]:
    module = read_module(file, project.name(file), esm_by_default=project.is_module)
    problems = []
    for node in module.nodes:
        name = _key(node)
        if name == "env" and _has_effect(node):
            message, by_hand = "env sets variables when Next builds.", "Set the variables on the site."
            problems.append(module.problem(node, "next-config", message, by_hand, Severity.WARNING))
        elif name in _CONFIG and _has_effect(node):
            message = f"{name} changes the URLs or responses of routes, and is not converted."
            problems.append(module.problem(node, "next-config", message, _CONFIG[name]))
    return problems


def _key(node: Node) -> str:
    """Return the key of a top-level property of the configuration; empty for other nodes."""
    if node.type not in ("pair", "method_definition") or node.parent is None:
        return ""
    owner = node.parent.parent
    if owner is not None and owner.type in ("pair", "array", "return_statement"):
        return ""
    key = field_of(node, "key") or field_of(node, "name")
    return text_of(key).strip("\"'") if key else ""


def _has_effect(node: Node) -> bool:
    node_value = field_of(node, "value")
    try:
        value = value_of(node_value) if node_value is not None else True
    except NotLiteral:
        return True
    if _key(node) == "pageExtensions" and isinstance(value, list):
        # Extensions besides the default ones are for pages, such as .mdx.
        return not set(map(str, value)) >= _DEFAULT_EXTENSIONS or any("." in str(suffix) for suffix in value)
    return bool(value)
