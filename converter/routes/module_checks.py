"""Find what cannot be converted in a module, apart from its imports."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from converter.javascript.grammar_fixes import is_misread
from converter.javascript.modules import LinkKind, Module, bound_names
from converter.javascript.syntax import field_of, text_of, too_deep_node
from converter.problems import Problem, Severity

from .compatibility import EDGE_GLOBALS, MIDDLEWARE_ONLY, RESPONSE_METHODS

_JSX = ("jsx_element", "jsx_self_closing_element", "jsx_fragment")
_VERCEL_MEMBERS = ("request.ip", "request.geo", "req.ip", "req.geo")
_INCLUDE = "Read the file from process.cwd(), and add it to included_files in netlify.toml."


@dataclass(frozen=True)
class _Names:
    """The names that a module declares, and the names of its response parameters."""

    declared: set[str]
    responses: set[str]


def problems_of(module: Module) -> list[Problem]:
    """Return the problems of a module, whatever imports it."""
    if unparsed := parse_problems(module):
        return unparsed
    problems = _syntax_problems(module)
    names = _Names(_declared_names(module), response_names(module))
    for node in module.nodes:
        if node.type in _JSX:
            by_hand = "Build the markup as text, or compile the file to plain JavaScript first."
            problems.append(module.problem(node, "jsx", "JSX needs a compiler.", by_hand))
            break
        if (check := _CHECKS.get(node.type)) is not None:
            problems += check(module, node, names)
    if module.is_esm and module.commonjs is not None and module.commonjs.type != "call_expression":
        by_hand = "Replace module.exports and exports with `export`."
        message = "import/export and module.exports in one file: as an ES module, it would export nothing."
        problems.append(module.problem(module.commonjs, "mixed-modules", message, by_hand))
    return problems


def parse_problems(module: Module) -> list[Problem]:
    """Return why a module cannot be read at all: its encoding, its syntax or its nesting."""
    try:
        module.source.text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = module.source.text.count(b"\n", 0, error.start) + 1
        message, by_hand = "the file is not valid UTF-8.", "Save the file as UTF-8."
        return [Problem(module.source.name, line, 1, Severity.ERROR, "encoding", message, by_hand)]
    root = module.source.root
    if root.has_error or (module.source.is_typescript and any(map(is_misread, module.nodes))):
        wrong = next((n for n in module.nodes if n.is_error or n.is_missing or is_misread(n)), root)
        message = "syntax error or unsupported syntax; nothing of this file is converted."
        return [module.problem(wrong, "syntax", message, "Correct the syntax, or simplify it.")]
    if (node := too_deep_node(root)) is not None:
        message, by_hand = "nested too deeply for Node to parse.", "Move parts into constants or functions."
        return [module.problem(node, "nesting", message, by_hand)]
    return []


def _syntax_problems(module: Module) -> list[Problem]:
    """Report syntax that Node cannot parse; decorators of TypeScript are left to the type stripper."""
    problems = []
    for node in module.nodes:
        if node.type == "decorator" and not module.source.is_typescript:
            by_hand = "Replace the decorator with a function call."
            problems.append(module.problem(node, "newer-syntax", "Node has no decorators.", by_hand))
        elif node.type in ("using", "accessor") and not node.is_named:
            by_hand = "Write try and finally, or a getter and a setter."
            message = f"`{node.type}` is newer than the Node version of Netlify functions."
            problems.append(module.problem(node, "newer-syntax", message, by_hand))
    return problems


def _declared_names(module: Module) -> set[str]:
    names = {binding.local for link in module.links for binding in link.bindings}
    for node in module.nodes:
        if node.type in ("variable_declarator", "function_declaration", "class_declaration"):
            if (name := field_of(node, "name")) is not None:
                names |= {text_of(bound) for bound in bound_names(name)} | {text_of(name)}
        elif node.type in ("formal_parameters", "catch_clause"):
            names |= {text_of(bound) for bound in bound_names(node)}
    return names


def response_names(module: Module) -> set[str]:
    """Return the names of second parameters: usually `res`."""
    names = {"res", "response"}
    for node in module.nodes:
        if node.type == "formal_parameters" and len(node.named_children) == 2:
            names |= {text_of(name) for name in bound_names(node.named_children[1])[:1]}
    return names


def _check_identifier(module: Module, node: Node, names: _Names) -> list[Problem]:
    name = text_of(node)
    if name in names.declared:
        return []
    if name in EDGE_GLOBALS:
        message = f"{name} only exists in the edge runtime; functions run in Node."
        return [module.problem(node, "edge-only", message, EDGE_GLOBALS[name])]
    if name in ("__dirname", "__filename"):
        message = f"{name} would refer to the generated functions, not to the project."
        return [module.problem(node, "file-place", message, _INCLUDE)]
    return []


def _check_member(module: Module, node: Node, names: _Names) -> list[Problem]:
    text = text_of(node)
    if text in ("import.meta.url", "import.meta.dirname", "import.meta.filename"):
        message = f"{text} would refer to a generated file, not to the project."
        return [module.problem(node, "file-place", message, _INCLUDE)]
    if text.startswith(("process.env.VERCEL", "process.env.NEXT_PUBLIC_VERCEL")):
        message = f"{text} is set by Vercel, not by Netlify."
        by_hand = "Read URL, DEPLOY_PRIME_URL or CONTEXT, which Netlify sets, or set it on the site."
        return [module.problem(node, "vercel", message, by_hand, Severity.WARNING)]
    if text in _VERCEL_MEMBERS and any(link.specifier == "next/server" for link in module.links):
        by_hand = "Read the headers x-nf-client-connection-ip and x-nf-geo (JSON in base64)."
        return [module.problem(node, "vercel", f"{text} is only set on Vercel.", by_hand, Severity.WARNING)]
    response, _, member = text.replace("?", "").partition(".")
    if member == "socket.server" and response in names.responses:
        by_hand = "Functions cannot hold a WebSocket; convert the server with --migrate."
        return [module.problem(node, "socket-server", "the route uses the HTTP server.", by_hand)]
    return []


def _check_call(module: Module, node: Node, names: _Names) -> list[Problem]:
    function = field_of(node, "function")
    if function is None or function.type != "member_expression":
        return []
    owner = text_of(field_of(function, "object") or node)
    name = text_of(field_of(function, "property") or node)
    if owner in names.responses and name in RESPONSE_METHODS:
        message = f"{owner}.{name}() needs Next's own server."
        return [module.problem(node, "next-only", message, RESPONSE_METHODS[name])]
    if owner == "NextResponse" and name in MIDDLEWARE_ONLY:
        message = f"NextResponse.{name}() only works in middleware."
        return [module.problem(node, "next-only", message, MIDDLEWARE_ONLY[name])]
    if owner == "require" and name in ("context", "resolve", "cache"):
        message = f"require.{name} only works in a bundler."
        return [module.problem(node, "dynamic-require", message, "Import each file by name.")]
    if owner == "process" and name == "cwd":
        by_hand = "Add the files that are read to included_files under [functions] in netlify.toml."
        message = "files read at run time are not bundled with a function automatically."
        return [module.problem(node, "files", message, by_hand, Severity.WARNING)]
    return []


_CHECKS = {
    "identifier": _check_identifier,
    "member_expression": _check_member,
    "call_expression": _check_call,
}


def dynamic_import_problem(module: Module, node: Node, kind: LinkKind) -> Problem:
    by_hand = "Import each possible module by name, and choose among them."
    message = f"the module that {kind} loads is not a literal."
    return module.problem(node, "dynamic-require", message, by_hand)
