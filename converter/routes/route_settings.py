"""Read a route's HTTP methods and its exported settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tree_sitter import Node

from converter.javascript.literals import NotLiteral, value_of
from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, string_value, text_of
from converter.problems import Problem, Severity

from .model import HTTP_METHODS
from .project import Style

SEGMENT = (
    "runtime",
    "dynamic",
    "revalidate",
    "maxDuration",
    "preferredRegion",
    "fetchCache",
    "dynamicParams",
)
MAX_SECONDS = 60  # limit of a synchronous Netlify function
_LITERAL = "Write the value as a literal."


def methods_of(module: Module, style: Style) -> list[str]:
    """Return the methods that a route exports, or that it compares req.method with."""
    if style == Style.APP:
        return [method for method in HTTP_METHODS if method in module.exports]
    compared = {name for node in module.nodes for name in _compared_methods(node)}
    return [method for method in HTTP_METHODS if method in compared]


def _compared_methods(node: Node) -> list[str]:
    if node.type == "switch_case":
        return [string_value(field_of(node, "value")) or ""]
    operator = text_of(field_of(node, "operator") or node)
    if node.type != "binary_expression" or not operator.startswith(("==", "!=")):
        return []
    left, right = field_of(node, "left"), field_of(node, "right")
    return [
        string_value(value) or ""
        for member, value in ((left, right), (right, left))
        if member is not None and member.type == "member_expression" and text_of(member).endswith(".method")
    ]


def settings_of(module: Module, style: Style) -> tuple[dict[str, Any], list[Problem]]:
    """Return the settings of a route and their problems."""
    names = SEGMENT if style == Style.APP else ("config", "maxDuration", "runtime")
    settings: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in names:
        if (exported := module.exports.get(name)) is None:
            continue
        if style == Style.APP and _is_reexport(exported):
            message = f"{name} is re-exported from another file, where Next does not read it."
            problems.append(module.problem(exported, "config", message, _LITERAL))
            continue
        if (value := _value(module, exported, name)) is None:
            continue
        try:
            settings[name] = value_of(value)
        except NotLiteral as error:
            message = f"{name} is not a literal, which Next requires as well."
            problems.append(module.problem(error.node, "config", message, _LITERAL))
    if style == Style.PAGES:
        settings |= settings.pop("config", None) or {}
    problems += _check_settings(module, settings)
    if style == Style.APP:
        problems += _check_segment(module, settings)
    return settings, problems


def _is_reexport(exported: Node) -> bool:
    statement = exported.parent.parent if exported.type == "export_specifier" and exported.parent else None
    return field_of(statement, "source") is not None


def _value(module: Module, exported: Node, name: str) -> Node | None:
    if exported.type == "export_specifier":
        local = text_of(field_of(exported, "name") or exported)
        for node in module.nodes:
            if node.type == "variable_declarator" and text_of(node.children[0]) == local:
                return field_of(node, "value")
        return None
    if exported.type == "assignment_expression":
        return field_of(exported, "right")
    if exported.type == "pair":
        return field_of(exported, "value")
    for declarator in exported.named_children:
        if text_of(field_of(declarator, "name") or declarator) == name:
            return field_of(declarator, "value")
    return None


def _setting_problem(
    module: Module, name: str, severity: Severity, message: str, by_hand: str = ""
) -> Problem:
    node = module.exports.get(name) or module.exports.get("config") or module.source.root
    return module.problem(node, "config", message, by_hand, severity)


def _check_settings(module: Module, settings: dict[str, Any]) -> Iterator[Problem]:
    if str(settings.get("runtime", "")).endswith("edge"):
        message = "edge runtime: the function runs in Node, with the same web APIs."
        yield _setting_problem(module, "runtime", Severity.INFO, message)
    duration = settings.get("maxDuration")
    if isinstance(duration, int | float) and duration > MAX_SECONDS:
        message = f"Netlify stops the function after {MAX_SECONDS} s."
        by_hand = "Split the work, or write a background function."
        yield _setting_problem(module, "maxDuration", Severity.WARNING, message, by_hand)
    if "preferredRegion" in settings:
        message = "a single function cannot choose its region."
        by_hand = "Choose the region of functions in the settings of the site."
        yield _setting_problem(module, "preferredRegion", Severity.WARNING, message, by_hand)


def _check_segment(module: Module, settings: dict[str, Any]) -> Iterator[Problem]:
    """Check the settings of a route segment in the app directory."""
    if "generateStaticParams" in module.exports and settings.get("dynamicParams") is False:
        by_hand = "Respond with 404 to other parameters in the handler."
        message = "responses are generated on request, so parameters that are not listed get one too."
        yield _setting_problem(module, "generateStaticParams", Severity.ERROR, message, by_hand)
    elif "generateStaticParams" in module.exports:
        message = "responses are generated on request, not at build time."
        yield _setting_problem(module, "generateStaticParams", Severity.INFO, message)
    if settings.get("dynamic") in ("force-static", "error") or settings.get("revalidate"):
        message = "Netlify's CDN caches responses to GET from the first request on, not from the build."
        name = "revalidate" if "revalidate" in settings else "dynamic"
        yield _setting_problem(module, name, Severity.INFO, message)
    if settings.get("fetchCache"):
        by_hand = "Send cache headers, or store the value yourself."
        yield _setting_problem(
            module, "fetchCache", Severity.WARNING, "functions do not cache fetch().", by_hand
        )
