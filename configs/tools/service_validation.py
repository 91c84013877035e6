"""Validate services as agent.json has them: for the pages, documents and scripts alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from agentforge import outbound

from .agent_validation import clean_card, clean_seconds
from .openapi.operations import IGNORED_HEADERS, METHODS, STYLES
from .program_validation import clean_program
from .services import AGENT, API, AUTH_KINDS, LOCAL, MCP, PARTS, function_name

_MOST_SERVICES = 10
_MOST_PARTS = 60
# Of one tool; all tools together have the room of configs.documents.room.
_MOST_BYTES = 128 * 1024
_MOST_VALUES = 3000
_LONGEST_URL = 500
_DEEPEST = 12
_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}", re.ASCII)
_FUNCTION = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
_PATH = re.compile(r"/[^\s?#\\]{0,499}", re.ASCII)
_FURTHER = {
    MCP: ("url", "auth", "protocol"),
    API: ("url", "auth"),
    LOCAL: ("command", "args", "env"),
    AGENT: ("url", "auth", "seconds"),
}
# Headers that say where a request goes or how long it is.
_RESERVED_HEADERS = frozenset(("host", "content-length", "content-type", "transfer-encoding", "connection"))


def clean_services(tool: str, value: Any) -> list[dict[str, Any]]:
    """Return the services of a tool as agent.json has them, by name.

    Raises ValidationError for what the agent would refuse or could not use.
    """
    given = _loaded(value)
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise ValidationError("Give a list of services.")
    if len(given) > _MOST_SERVICES:
        raise ValidationError(f"Give at most {_MOST_SERVICES}.")
    services = sorted((_service(tool, entry) for entry in given), key=lambda entry: str(entry["name"]))
    names = [entry["name"] for entry in services]
    functions = [part["function"] for entry in services for part in entry[PARTS[tool]]]
    for what, words in ((names, "services"), (functions, "functions")):
        if len(set(what)) < len(what):
            raise ValidationError(f"Two {words} have the same name.")
    if not fits(services):
        raise ValidationError(
            f"Together they take more than {_MOST_BYTES // 1024} KB or {_MOST_VALUES:,} values. Choose less."
        )
    return services


def fits(services: list[dict[str, Any]]) -> bool:
    """Return whether the services of one tool keep to their limits."""
    return len(json.dumps(services)) <= _MOST_BYTES and _size(services) <= _MOST_VALUES


def _loaded(value: Any) -> Any:
    if not isinstance(value, str):
        return value or []
    try:
        return json.loads(value) if value.strip() else []
    except (ValueError, RecursionError) as error:
        raise ValidationError("This is not JSON.") from error


def _service(tool: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    allowed = {"name", PARTS[tool], *_FURTHER[tool]}
    if unknown := sorted(map(str, set(entry) - allowed)):
        raise ValidationError(f"A service has no “{unknown[0][:80]}”.")
    name = clean_name(entry.get("name"))
    parts = entry.get(PARTS[tool])
    # A server that was imported has none until it is tested.
    if not isinstance(parts, list) or not (parts or tool != API):
        raise ValidationError(f"{name}: choose at least one of its tools.")
    if len(parts) > _MOST_PARTS:
        raise ValidationError(f"{name}: choose at most {_MOST_PARTS} of its tools.")
    if tool == LOCAL:
        return {**clean_program(name, entry), PARTS[tool]: [clean_tool(name, part, LOCAL) for part in parts]}
    service: dict[str, Any] = {"name": name, "url": clean_url(entry.get("url"))}
    if entry.get("auth"):
        service["auth"] = clean_auth(tool, entry["auth"])
    if tool == AGENT:
        return {**service, **clean_seconds(entry), **_cards(service, parts)}
    if protocol := entry.get("protocol"):
        if not isinstance(protocol, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", protocol):
            raise ValidationError(f"{name}: “{str(protocol)[:40]}” is not a version of the protocol.")
        service["protocol"] = protocol
    clean = clean_tool if tool == MCP else clean_operation
    return {**service, PARTS[tool]: [clean(name, part) for part in parts]}


def _cards(service: Mapping[str, Any], given: list[Any]) -> dict[str, Any]:
    if len(given) > 1:
        raise ValidationError(f"{service['name']}: an agent has one card.")
    cards = [clean_card(service["name"], clean_url(service["url"]), card) for card in given]
    for card in cards:
        clean_url(card["endpoint"])
        check_storable(card["name"], card)
    return {PARTS[AGENT]: cards}


def clean_name(value: Any) -> str:
    """Return the name of a service: part of its functions' names and of its key's variable."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValidationError(
            "Name the service with up to 24 lowercase letters, digits and _, such as “tickets”."
        )
    return value


def clean_url(value: Any) -> str:
    """Return the address of a service. Whether it may be reached is judged when it is."""
    url = value.strip() if isinstance(value, str) else ""
    if not url or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValidationError("Give the service's address, such as https://tools.example.org/mcp.")
    try:
        parsed = outbound.checked_url(url)
    except outbound.OutboundError as error:
        raise ValidationError(str(error)) from error
    if not re.fullmatch(r"[A-Za-z0-9.-]+", parsed.host) or parsed.fragment:
        raise ValidationError("Give the host by its name, and nothing after a #.")
    return url


def clean_auth(tool: str, value: Any) -> dict[str, str]:
    """Return how the key is sent."""
    kind, name = (value.get("kind"), value.get("name", "")) if isinstance(value, dict) else ("", "")
    if kind not in AUTH_KINDS[tool] or not isinstance(name, str) or set(value) - {"kind", "name"}:
        raise ValidationError("Say how the key is sent: " + " or ".join(AUTH_KINDS[tool]) + ".")
    if kind not in ("header", "query"):
        return {"kind": kind}
    if not _HEADER.fullmatch(name.replace("_", "-")) or name.lower() in _RESERVED_HEADERS:
        raise ValidationError("Name the header that carries the key, such as X-API-Key.")
    return {"kind": kind, "name": name}


def clean_tool(service: str, part: Any, tool: str = MCP) -> dict[str, Any]:
    """Return one tool of an MCP server, with what it is pinned by: its name, description and schema."""
    if not isinstance(part, dict) or set(part) - {"name", "function", "description", "schema", "reads"}:
        raise ValidationError(f"{service}: a tool has name, function, description, schema and reads.")
    name, description, schema = (part.get(key) for key in ("name", "description", "schema"))
    if not isinstance(name, str) or not 0 < len(name) <= 128:
        raise ValidationError(f"{service}: a tool's name has 1 to 128 characters.")
    function = part.get("function") or function_name(tool, service, name, set())
    if not isinstance(description, str | None) or len(description or "") > 10_000:
        raise ValidationError(f"{service}: the description of {name} is longer than 10,000 characters.")
    cleaned = {
        "name": name,
        "function": clean_function(tool, service, function),
        "description": description or "",
        "schema": clean_schema(name, schema),
    }
    check_storable(name, cleaned)
    return {**cleaned, "reads": True} if part.get("reads") is True else cleaned


def clean_operation(service: str, part: Any) -> dict[str, Any]:
    """Return one operation of an HTTP API, as configs.tools.openapi reads it."""
    known = {"name", "function", "description", "schema", "method", "path", "parameters", "body", "reads"}
    if not isinstance(part, dict) or set(part) - known:
        raise ValidationError(f"{service}: an operation has {', '.join(sorted(known))}.")
    method, path, body = part.get("method"), part.get("path"), part.get("body", "")
    if method not in METHODS or not isinstance(path, str) or not _PATH.fullmatch(path):
        raise ValidationError(f"{service}: “{str(method)[:10]} {str(path)[:80]}” is not an operation.")
    name = f"{method} {path}"
    description = part.get("description", "")
    if not isinstance(description, str) or len(description) > 2000:
        raise ValidationError(f"{service}: the description of {name} is longer than 2,000 characters.")
    if body not in ("", "json", "form"):
        raise ValidationError(f"{service}: the body of {name} is json or form.")
    function = part.get("function") or function_name(API, service, name, set())
    cleaned = {
        "name": name,
        "function": clean_function(API, service, function),
        "description": description,
        "schema": clean_schema(name, part.get("schema")),
        "method": method,
        "path": path,
    }
    if parameters := part.get("parameters"):
        if not isinstance(parameters, list):
            raise ValidationError(f"{service}: the parameters of {name} are no list.")
        cleaned["parameters"] = [_parameter(name, each) for each in parameters]
    check_storable(name, cleaned)
    optional = {"body": body, "reads": part.get("reads") is True}
    return {**cleaned, **{key: value for key, value in optional.items() if value}}


def _parameter(name: str, given: Any) -> dict[str, Any]:
    words = (
        {key: given.get(key) for key in ("name", "in", "argument", "style")}
        if isinstance(given, dict)
        else {}
    )
    fits = words and all(isinstance(word, str) and 0 < len(word) <= 200 for word in words.values())
    place = str(words.get("in"))
    if not fits or set(given) - {*words, "explode"} or words["style"] not in STYLES.get(place, ()):
        raise ValidationError(f"A parameter of {name} is not one that agents can send.")
    header = str(words["name"])
    if place == "header" and (not _HEADER_NAME.fullmatch(header) or header.lower() in IGNORED_HEADERS):
        raise ValidationError(f"{name}: {header[:40]} is not a header that agents can send.")
    return {**words, "explode": True} if given.get("explode") is True else words


def clean_function(tool: str, service: str, value: Any) -> str:
    """Return the name of a function, which says what tool it belongs to."""
    if isinstance(value, str) and _FUNCTION.fullmatch(value) and value.startswith(f"{tool}_"):
        return value
    shown = str(value)[:80]
    raise ValidationError(f"{service}: “{shown}” is not a function's name, such as {tool}_tickets_find.")


def clean_schema(name: str, schema: Any) -> dict[str, Any]:
    """Return the schema of a function's arguments."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValidationError(f"The arguments of {name} are no JSON Schema of an object.")
    if _depth(schema) > _DEEPEST:
        raise ValidationError(f"The arguments of {name} are nested too deeply.")
    if not isinstance(schema.get("properties", {}), dict):
        raise ValidationError(f"The arguments of {name} are no JSON Schema of an object.")
    return schema


def check_storable(name: str, value: Any) -> None:
    """Raise ValidationError for text that can't be stored: NUL, half a character, or no number."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"What the server says of {name[:80]!a} can't be stored.") from error
    if "\\u0000" in text:
        raise ValidationError(f"What the server says of {name[:80]!a} can't be stored.")


def _depth(value: Any) -> int:
    return len(list(_levels(value)))


def _size(value: Any) -> int:
    return sum(map(len, _levels(value)))


def _levels(value: Any) -> Iterator[list[Any]]:
    """Return the values at each depth, further down than a schema may go."""
    level = [value]
    for _ in range(2 * _DEEPEST):
        if not level:
            return
        yield level
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
