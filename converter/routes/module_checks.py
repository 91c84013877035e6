"""Find in a module what can't be converted, apart from its imports."""

from __future__ import annotations

from tree_sitter import Node

from converter.javascript.grammar_fixes import is_misread
from converter.javascript.modules import LinkKind, Module, bound_names
from converter.javascript.syntax import field_of, text_of, too_deep_node
from converter.problems import Problem, Severity

from .compatibility import EDGE_GLOBALS, MIDDLEWARE_ONLY, RESPONSE_METHODS

_JSX = ("jsx_element", "jsx_self_closing_element", "jsx_fragment")
_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "method_definition")
_OF_VERCEL = ("request.ip", "request.geo", "req.ip", "req.geo")
_HINTS = {
    "__dirname": "Read the file from process.cwd(), and list it under included_files in netlify.toml.",
    "__filename": "Read the file from process.cwd(), and list it under included_files in netlify.toml.",
}


def problems_of(module: Module) -> list[Problem]:
    """Return what is wrong with a module whoever imports it."""
    if wrong := parse_problems(module):
        return wrong
    found = _newer(module)
    names = {"identifier": _identifier, "member_expression": _member, "call_expression": _call}
    declared, responses = _declared(module), _responses(module)
    for node in module.nodes:
        if node.type in _JSX:
            by_hand = "Build the markup as text, or compile the file to plain JavaScript first."
            found.append(module.problem(node, "jsx", "JSX needs a compiler that knows React.", by_hand))
            break
        if (check := names.get(node.type)) is not None:
            found += check(module, node, declared, responses)
    if module.is_esm and module.commonjs is not None and module.commonjs.type != "call_expression":
        by_hand = "Write `export` for what module.exports and exports name."
        message = "import/export and module.exports in one file: the first makes it a module without exports."
        found.append(module.problem(module.commonjs, "mixed-modules", message, by_hand))
    return found


def parse_problems(module: Module) -> list[Problem]:
    """Say why nothing of a module can be converted: its encoding, its syntax, or how deep it is nested."""
    try:
        module.source.text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = module.source.text.count(b"\n", 0, error.start) + 1
        message, by_hand = "this is not UTF-8, so its letters are unknown.", "Save the file as UTF-8."
        return [Problem(module.source.name, line, 1, Severity.ERROR, "encoding", message, by_hand)]
    typed = module.source.is_typescript
    if module.source.root.has_error or (typed and any(map(is_misread, module.nodes))):
        return [_syntax(module)]
    if (node := too_deep_node(module.source.root)) is not None:
        by_hand = "Take parts of it out into constants or functions."
        return [
            module.problem(node, "nesting", "it is nested deeper than Node can be sure to read.", by_hand)
        ]
    return []


def _newer(module: Module) -> list[Problem]:
    """Name what Node's parser does not know; decorators of TypeScript are for its compiler."""
    found = []
    for node in module.nodes:
        if node.type == "decorator" and not module.source.is_typescript:
            message, by_hand = "Node knows no decorators.", "Call the decorator as a function."
            found.append(module.problem(node, "newer-syntax", message, by_hand))
        elif node.type in ("using", "accessor") and not node.is_named:
            by_hand = "Write try and finally, or a getter and a setter."
            message = f"`{node.type}` is newer than the Node of Netlify's functions."
            found.append(module.problem(node, "newer-syntax", message, by_hand))
    return found


def _syntax(module: Module) -> Problem:
    wrong = next((n for n in module.nodes if n.is_error or n.is_missing or is_misread(n)), module.source.root)
    message = "this part is not understood, so nothing of the file is converted."
    by_hand = "Correct the syntax, or write the statement in a plainer form."
    return module.problem(wrong, "syntax", message, by_hand)


def _declared(module: Module) -> set[str]:
    names = {binding.local for link in module.links for binding in link.bindings}
    for node in module.nodes:
        if node.type in ("variable_declarator", "function_declaration", "class_declaration"):
            if (name := field_of(node, "name")) is not None:
                names |= {text_of(bound) for bound in bound_names(name)} | {text_of(name)}
        elif node.type in ("formal_parameters", "catch_clause"):
            names |= {text_of(bound) for bound in bound_names(node)}
    return names


def _responses(module: Module) -> set[str]:
    """Return the names of second parameters: `res`, as a rule."""
    names = {"res", "response"}
    for node in module.nodes:
        if node.type == "formal_parameters" and len(node.named_children) == 2:
            names |= {text_of(name) for name in bound_names(node.named_children[1])[:1]}
    return names


def _identifier(module: Module, node: Node, declared: set[str], responses: set[str]) -> list[Problem]:
    name = text_of(node)
    if name in EDGE_GLOBALS and name not in declared:
        message = f"{name} exists in the edge runtime only; functions run in Node."
        return [module.problem(node, "edge-only", message, EDGE_GLOBALS[name])]
    if name in _HINTS and name not in declared:
        message = f"{name} would name a directory of the generated functions, not of the project."
        return [module.problem(node, "file-place", message, _HINTS[name])]
    return []


def _member(module: Module, node: Node, declared: set[str], responses: set[str]) -> list[Problem]:
    text = text_of(node)
    if text in ("import.meta.url", "import.meta.dirname", "import.meta.filename"):
        message = f"{text} would name a generated file, not the project's."
        return [module.problem(node, "file-place", message, _HINTS["__dirname"])]
    if text.startswith(("process.env.VERCEL", "process.env.NEXT_PUBLIC_VERCEL")):
        message = f"{text} is set by Vercel, and not by Netlify."
        by_hand = "Read URL, DEPLOY_PRIME_URL or CONTEXT, which Netlify sets, or set it on the site."
        return [module.problem(node, "vercel", message, by_hand, Severity.WARNING)]
    if text in _OF_VERCEL and any(link.specifier == "next/server" for link in module.links):
        message = f"{text} is known on Vercel only."
        by_hand = "Read the headers x-nf-client-connection-ip and x-nf-geo (base64 of JSON)."
        return [module.problem(node, "vercel", message, by_hand, Severity.WARNING)]
    owner = text.removesuffix(".server").removesuffix("?")
    if (
        text.endswith(".server")
        and owner.endswith(".socket")
        and owner[: -len(".socket")].rstrip("?") in responses
    ):
        by_hand = "Functions hold no WebSocket: convert the server with --migrate."
        return [module.problem(node, "socket-server", "the route reaches for the HTTP server.", by_hand)]
    return []


def _call(module: Module, node: Node, declared: set[str], responses: set[str]) -> list[Problem]:
    function = field_of(node, "function")
    if function is None or function.type != "member_expression":
        return []
    owner, name = (
        text_of(field_of(function, "object") or node),
        text_of(field_of(function, "property") or node),
    )
    if owner in responses and name in RESPONSE_METHODS:
        message = f"{owner}.{name}() needs Next's own server."
        return [module.problem(node, "next-only", message, RESPONSE_METHODS[name])]
    if owner == "NextResponse" and name in MIDDLEWARE_ONLY:
        message = f"NextResponse.{name}() means nothing in a route."
        return [module.problem(node, "next-only", message, MIDDLEWARE_ONLY[name])]
    if owner == "require" and name in ("context", "resolve", "cache"):
        by_hand = "Import each file by its name."
        return [
            module.problem(node, "dynamic-require", f"require.{name} exists while bundling only.", by_hand)
        ]
    if owner == "process" and name == "cwd":
        by_hand = "List the files that are read under [functions] included_files in netlify.toml."
        message = "files that are read at run time are not part of a function by themselves."
        return [module.problem(node, "files", message, by_hand, Severity.WARNING)]
    return []


def streaming_problems(module: Module) -> list[Problem]:
    """Tell of an answer in parts, which a classic function gives at its end."""
    responses = _responses(module)
    for node in module.nodes:
        made = field_of(node, "constructor") if node.type == "new_expression" else None
        function = field_of(node, "function") if node.type == "call_expression" else None
        parts = text_of(function).rpartition(".") if function is not None else ("", "", "")
        writes = parts[0] in responses and parts[2] == "write"
        if writes or (made is not None and text_of(made) in ("ReadableStream", "TransformStream")):
            message = "a classic function gives its answer whole, at the end; with --v2 it streams."
            return [module.problem(node, "streaming", message, severity=Severity.INFO)]
    return []


def dynamic_import_problem(module: Module, node: Node, kind: LinkKind) -> Problem:
    """Say that only running the code would tell what is imported."""
    by_hand = "Import each module that it can be by its name, and choose among them."
    message = f"what {kind} loads is known only when it runs."
    return module.problem(node, "dynamic-require", message, by_hand)
