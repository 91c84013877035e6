"""Read what a route says about itself: methods, and the settings that Next reads from its exports."""

from __future__ import annotations

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
MAX_SECONDS = 60  # seconds; a synchronous function of Netlify ends then


def methods_of(module: Module, style: Style) -> list[str]:
    """Return the methods that a route answers: what it exports, or what it compares req.method with."""
    if style == Style.APP:
        return [method for method in HTTP_METHODS if method in module.exports]
    compared = {name for node in module.nodes for name in _compared(node)}
    return [method for method in HTTP_METHODS if method in compared]


def _compared(node: Node) -> list[str]:
    if node.type == "switch_case":
        return [string_value(field_of(node, "value")) or ""]
    if node.type != "binary_expression" or text_of(field_of(node, "operator") or node)[:2] not in (
        "==",
        "!=",
    ):
        return []
    left, right = field_of(node, "left"), field_of(node, "right")
    sides = [(left, right), (right, left)]
    return [
        string_value(value) or ""
        for asked, value in sides
        if asked is not None and asked.type == "member_expression" and text_of(asked).endswith(".method")
    ]


def settings_of(module: Module, style: Style) -> tuple[dict[str, Any], list[Problem]]:
    """Return the settings of a route, and what stands in the way of them."""
    names = SEGMENT if style == Style.APP else ("config", "maxDuration", "runtime")
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in names:
        if (exported := module.exports.get(name)) is None:
            continue
        if style == Style.APP and _comes_from_elsewhere(exported):
            by_hand = "Write the value itself."
            message = f"{name} is exported from another file, where Next does not look for it."
            problems.append(module.problem(exported, "config", message, by_hand))
            continue
        if (value := _value(module, exported, name)) is None:
            continue
        try:
            found[name] = value_of(value)
        except NotLiteral as error:
            by_hand = "Write the value itself."
            message = f"{name} is no literal, which Next does not allow either."
            problems.append(module.problem(error.node, "config", message, by_hand))
    if style == Style.PAGES:
        found |= found.pop("config", None) or {}
    return found, problems + _check_settings(module, style, found)


def _comes_from_elsewhere(exported: Node) -> bool:
    statement = exported.parent.parent if exported.type == "export_specifier" and exported.parent else None
    return field_of(statement, "source") is not None


def _value(module: Module, exported: Node, name: str) -> Node | None:
    if exported.type == "export_specifier":
        local = text_of(field_of(exported, "name") or exported)
        declared = (
            n for n in module.nodes if n.type == "variable_declarator" and text_of(n.children[0]) == local
        )
        return field_of(next(declared, None), "value")
    if exported.type == "assignment_expression":
        return field_of(exported, "right")
    if exported.type == "pair":
        return field_of(exported, "value")
    for declarator in exported.named_children:
        if text_of(field_of(declarator, "name") or declarator) == name:
            return field_of(declarator, "value")
    return None


def _check_settings(module: Module, style: Style, found: dict[str, Any]) -> list[Problem]:
    at = module.exports
    problems: list[Problem] = []

    def say(name: str, severity: Severity, message: str, by_hand: str = "") -> None:
        node = at.get(name) or at.get("config") or module.source.root
        problems.append(module.problem(node, "config", message, by_hand, severity))

    if str(found.get("runtime", "")).endswith("edge"):
        say(
            "runtime",
            Severity.INFO,
            "the edge runtime: the function runs in Node, with the same web standards.",
        )
    longest = found.get("maxDuration")
    if isinstance(longest, int | float) and longest > MAX_SECONDS:
        by_hand = "Split the work, or write a background function."
        say("maxDuration", Severity.WARNING, f"Netlify ends the function after {MAX_SECONDS} s.", by_hand)
    if "preferredRegion" in found:
        by_hand = "Choose the region of functions in the settings of the site."
        say("preferredRegion", Severity.WARNING, "a function has no region of its own.", by_hand)
    if style == Style.APP:
        _check_segment_settings(module, found, say)
    return problems


def _check_segment_settings(module: Module, found: dict[str, Any], say: Any) -> None:
    if "generateStaticParams" in module.exports:
        unknown = found.get("dynamicParams") is False
        by_hand = "Answer 404 for other parameters in the handler." if unknown else ""
        message = "answers are made when asked for, not at build time" + (
            ", so parameters that it doesn't name would be answered, too." if unknown else "."
        )
        say("generateStaticParams", Severity.ERROR if unknown else Severity.INFO, message, by_hand)
    if found.get("dynamic") in ("force-static", "error") or found.get("revalidate"):
        message = "answers to GET are kept by Netlify's CDN, from the first request on, instead of the build."
        say("revalidate" if "revalidate" in found else "dynamic", Severity.INFO, message)
    if found.get("fetchCache"):
        message = "fetch() is not cached in a function."
        say("fetchCache", Severity.WARNING, message, "Pass cache headers, or keep the value yourself.")
