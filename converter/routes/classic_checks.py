"""Find what a classic function, which is CommonJS and responds in one piece, cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, has_child, iter_nodes, text_of
from converter.problems import Problem, Severity

from .module_checks import response_names

_STREAMS = ("ReadableStream", "TransformStream")
_TIMERS = ("setInterval", "setTimeout")
_FUNCTIONS = (
    *("function_declaration", "function_expression", "arrow_function", "method_definition"),
    *("generator_function", "generator_function_declaration", "class_body"),
)
_WITHOUT_END = ("true", "1")


def classic_problems(module: Module, *, is_commonjs: bool) -> list[Problem]:
    """Return the problems of a module in a classic function; `is_commonjs` if it is bundled as CommonJS."""
    awaited = list(_top_level_await(module)) if is_commonjs else []
    return [*awaited, *_streaming_problems(module)]


def _top_level_await(module: Module) -> Iterator[Problem]:
    """Report the first top-level await: bundled as CommonJS, it stops the build of the whole site."""
    for node in module.nodes:
        is_await = node.type == "await_expression" or (
            node.type == "for_in_statement" and has_child(node, "await")
        )
        if is_await and not _is_inside_function(node):
            message = (
                "a classic function is CommonJS, which has no top-level await: Netlify cannot bundle it."
            )
            by_hand = "Convert with --v2, or await inside the handler."
            yield module.problem(node, "top-level-await", message, by_hand)
            return


def _is_inside_function(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type not in _FUNCTIONS:
        around = around.parent
    return around is not None


def _streaming_problems(module: Module) -> list[Problem]:
    """Report the first streamed response; as a warning if it may never end."""
    responses = response_names(module)
    streams = [node for node in module.nodes if _is_stream(node, responses)]
    if not streams:
        return []
    is_event_stream = any(
        "text/event-stream" in text_of(n) for n in module.nodes if n.type == "string_fragment"
    )
    endless = next((node for node in streams if is_event_stream or _may_not_end(node)), None)
    if endless is not None:
        message = (
            "a classic function responds when the stream ends, so this one may not respond before its limit."
        )
        by_hand = "Convert with --v2, which streams."
        return [module.problem(endless, "streaming", message, by_hand, Severity.WARNING)]
    message = "a classic function sends its response in one piece; use --v2 to stream it."
    return [module.problem(streams[0], "streaming", message, severity=Severity.INFO)]


def _is_stream(node: Node, responses: set[str]) -> bool:
    if node.type == "new_expression":
        return text_of(field_of(node, "constructor") or node) in _STREAMS
    if node.type != "call_expression":
        return False
    owner, _, method = text_of(field_of(node, "function") or node).rpartition(".")
    return (owner in responses and method == "write") or _is_from(node)


def _is_from(node: Node) -> bool:
    function = text_of(field_of(node, "function") or node)
    return function in ("ReadableStream.from", "Readable.toWeb", "Readable.from")


def _may_not_end(stream: Node) -> bool:
    """Return whether a stream, or the function around a write, has a timer or a loop without an end.

    The generator of a stream may be anywhere in its module.
    """
    scope = stream
    while _is_from(stream) and scope.parent is not None:
        scope = scope.parent
    while stream.type == "call_expression" and scope.parent is not None and scope.parent.type != "program":
        scope = scope.parent
    return any(_is_timer_or_loop(node) for node in iter_nodes(scope))


def _is_timer_or_loop(node: Node) -> bool:
    if node.type == "call_expression":
        return text_of(field_of(node, "function") or node) in _TIMERS
    if node.type == "for_statement":
        return "".join(text_of(node).split()).startswith("for(;;)")
    if node.type in ("while_statement", "do_statement"):
        return text_of(field_of(node, "condition") or node).strip("()") in _WITHOUT_END
    return False
