"""Find the WebSocket clients in browser code, and decide which can be rewritten safely."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from converter.javascript.modules import Module, bound_names
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
from converter.problems import Problem, has_errors
from converter.routes.module_checks import parse_problems

from .client_uses import REMOVING, UseChecker
from .client_variables import of_importer, variable_of
from .exports import exported_names, importers_of, is_export
from .held_connections import ClientVariable
from .model import Analysis, Library, Server
from .openings import openings_in, runs_in_node, unknown_client
from .scopes import arguments_of

_BY_HAND = "Send with fetch(…, { method: 'POST' }), and receive with new EventSource(…)."
_MEMBERS = {
    *("onmessage", "onopen", "onerror", "readyState", "close"),
    *("send", "emit", "on", "once", "off", "addEventListener", "onclose", "binaryType", "disconnect"),
}
# Options of socket.io that do not reach the server.
_LOCAL_OPTIONS = {
    *("transports", "autoConnect", "forceNew", "multiplex", "path", "withCredentials", "timeout", "upgrade"),
    *("reconnection", "reconnectionAttempts", "reconnectionDelay", "reconnectionDelayMax", "secure"),
}
_GLOBALS = ("location", "window", "globalThis", "self", "document", "process")


@dataclass
class Client:
    """A connection that a module opens with the node `creation`, and the uses of its variable.

    `importers` are the modules that import it, with their own names for it.
    """

    module: Module
    library: Library
    held: ClientVariable
    creation: Node
    server: Server | None
    importers: list[tuple[Module, ClientVariable]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def parts(self) -> list[tuple[Module, ClientVariable]]:
        return [(self.module, self.held), *self.importers]

    @property
    def removes_listeners(self) -> bool:
        """Whether any module takes listeners off again, so that all have to be kept."""
        uses = (use for _, held in self.parts for use in held.uses)
        return any(text_of(field_of(use.parent, "property") or use) in REMOVING for use in uses)

    @property
    def convertible(self) -> bool:
        return not has_errors(self.problems)


def _problem(module: Module, node: Node, message: str) -> Problem:
    return module.problem(node, "front-end", message, _BY_HAND)


def clients_in(analysis: Analysis) -> tuple[list[Client], list[Problem]]:
    """Return the clients of all modules, and problems for connections without a constant."""
    clients: list[Client] = []
    problems: list[Problem] = []
    server_files = {server.module.path for server in analysis.servers}
    for module in analysis.modules:
        if module.path in server_files or parse_problems(module):
            continue
        found = list(openings_in(module))
        for node, library in found:
            client = _client(module, node, library, analysis)
            if client is None:
                message = "nothing that is certain holds this connection, so its uses are unknown."
                problems.append(_problem(module, node, message))
                problems += _unassigned_uses(module, node)
            else:
                clients.append(client)
        if not found and (link := unknown_client(module)) is not None:
            message = f"connections of {link.specifier} are not rewritten here."
            problems.append(_problem(module, link.node, message))
    return clients, problems


def _client(module: Module, creation: Node, library: Library, analysis: Analysis) -> Client | None:
    others = [each for each in analysis.modules if each.path != module.path]
    held = variable_of(module, creation, others)
    if held is None:
        return None
    client = Client(module, library, held, creation, _server_of(analysis, creation, library))
    if client.server is None:
        message = "the server of this connection cannot be determined."
        client.problems.append(_problem(module, creation, message))
    if runs_in_node(module):
        message = "this client runs in Node, which has no EventSource."
        client.problems.append(_problem(module, creation, message))
    if (argument := _lost_argument(module, creation)) is not None:
        message = "query, protocol or options of the connection would be lost."
        client.problems.append(_problem(module, argument, message))
    _add_importers(client, analysis)
    _check_scripts(client, others)
    page = analysis.pages.get(module.path)
    if page is not None and page.mentions(held.names[0]):
        message = f"an attribute of the page, such as onclick, uses {held.names[0]}."
        client.problems.append(_problem(module, creation, message))
    for where, variable in client.parts:
        checker = UseChecker(where, client.library, variable.names[0], client.server)
        checker.check(variable)
        client.problems += checker.problems
    return client


def _add_importers(client: Client, analysis: Analysis) -> None:
    """Add the modules that import the connection; each connection then carries its own id."""
    module, exported = client.module, exported_names(client.module, set(client.held.names))
    if not exported:
        return
    client.held.declarator = None
    client.held.uses = [use for use in client.held.uses if not is_export(use)]
    for importer, name in importers_of(analysis.state, module, exported):
        if name is None:
            message = f"{importer.source.name} imports the whole module or passes its names on."
            client.problems.append(_problem(module, client.creation, message))
        else:
            client.importers.append((importer, of_importer(importer, name)))


def _check_scripts(client: Client, others: list[Module]) -> None:
    """Refuse a connection that other scripts of a page use: without imports, they share their names."""
    module, name = client.module, client.held.names[0]
    if not _is_script(module) or not name.isidentifier():
        return
    for other in filter(_is_script, others):
        uses = [node for node in other.nodes if node.type == "identifier" and text_of(node) == name]
        if uses and not _is_declared(other, name):
            message = f"{other.source.name} uses {name} as well, as a script of the same page."
            client.problems.append(_problem(module, client.creation, message))


def _is_script(module: Module) -> bool:
    statements = ("import_statement", "export_statement")
    is_module = any(node.type in statements for node in module.source.root.named_children)
    return not is_module and module.commonjs is None


def _is_declared(module: Module, name: str) -> bool:
    nodes = (node for node in module.nodes if node.type in ("variable_declarator", "formal_parameters"))
    return any(name in [text_of(n) for n in bound_names(field_of(n, "name") or n)] for n in nodes)


def _unassigned_uses(module: Module, creation: Node) -> list[Problem]:
    """Report the uses of a connection that is kept in a property or a reassigned variable."""
    target = field_of(creation.parent, "left") or field_of(creation.parent, "name")
    if target is None:
        return []
    name = text_of(target)
    problems = []
    for node in module.nodes:
        member = field_of(node, "property") if node.type == "member_expression" else None
        owner = field_of(node, "object")
        if member is None or owner is None or text_of(owner) != name or text_of(member) not in _MEMBERS:
            continue
        problems.append(
            _problem(module, node, f"rewrite {name}.{text_of(member)} together with its connection.")
        )
    return problems


def _lost_argument(module: Module, creation: Node) -> Node | None:
    """Return an argument that an EventSource would not send: a query, a protocol or credentials."""
    for index, argument in enumerate(arguments_of(creation)):
        if argument.type == "object":
            options = [part for part in argument.named_children if part.type != "comment"]
            if not {text_of(field_of(option, "key") or option) for option in options} <= _LOCAL_OPTIONS:
                return argument
        elif index > 0 or _may_have_query(module, argument, set()):
            return argument
    return None


def _may_have_query(module: Module, address: Node, seen: set[str]) -> bool:
    """Return whether an address may contain a query; names are resolved to constants."""
    for node in iter_nodes(address):
        name = text_of(node)
        if node.type == "string_fragment" and "?" in name:
            return True
        if node.type == "identifier" and name not in _GLOBALS and name not in seen:
            value = _constant(module, name)
            if value is None or _may_have_query(module, value, seen | {name}):
                return True
    return False


def _constant(module: Module, name: str) -> Node | None:
    for node in module.nodes:
        if node.type == "variable_declarator" and text_of(field_of(node, "name") or node) == name:
            keyword = node.parent.children[0] if node.parent is not None else node
            return field_of(node, "value") if text_of(keyword) == "const" else None
    return None


def _server_of(analysis: Analysis, creation: Node, library: Library) -> Server | None:
    servers = [server for server in analysis.servers if server.library == library]
    if len(servers) == 1:
        return servers[0]
    arguments = field_of(creation, "arguments")
    address = string_value(arguments.named_children[0]) if arguments and arguments.named_children else None
    matches = [server for server in servers if address and server.path and address.endswith(server.path)]
    return matches[0] if len(matches) == 1 else None
