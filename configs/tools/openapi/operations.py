"""The operations of a document, each as the tool that an agent can have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .document import OpenAPIDocument
from .schemas import argument_schema

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")
READING = ("GET", "HEAD", "OPTIONS", "QUERY")
MOST_OPERATIONS = 1000
_LONGEST_DESCRIPTION = 1024
# Parameters that the standard says are to be ignored, and headers that say where a request goes.
IGNORED_HEADERS = frozenset(
    (
        "accept",
        "content-type",
        "authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "cookie",
    )
)
STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject", "json"),
    "header": ("simple",),
}
_BODIES = {"application/json": "json", "application/x-www-form-urlencoded": "form"}


class _Left(Exception):
    """An operation can't be a tool; the message says why."""


@dataclass(frozen=True)
class Operation:
    """One operation: what agent.json says of it, or why it is left out. `wanted` is its own name for it."""

    name: str
    wanted: str
    part: dict[str, Any]
    reason: str = ""


def operations_of(document: OpenAPIDocument) -> list[Operation]:
    """Return the operations of a document in its order."""
    found: list[Operation] = []
    for path, given in _mapping(document.content.get("paths")).items():
        item = document.resolve(given)
        if not isinstance(path, str) or not path.startswith("/") or not isinstance(item, Mapping):
            continue
        for method in METHODS:
            if isinstance(operation := item.get(method.lower()), Mapping) and len(found) < MOST_OPERATIONS:
                found.append(_operation(document, method, path, item, operation))
    return found


def _operation(
    document: OpenAPIDocument, method: str, path: str, item: Mapping[str, Any], given: Mapping[str, Any]
) -> Operation:
    name = f"{method} {path}"
    wanted = str(
        given.get("operationId") or re.sub(r"[^A-Za-z0-9]+", "_", f"{method.lower()} {path}").strip("_")
    )
    texts = [str(given[key]).strip() for key in ("summary", "description") if given.get(key)]
    try:
        parameters, properties, required = _arguments(document, item, given)
        if missing := set(re.findall(r"\{([^{}]+)\}", path)) - {
            p["name"] for p in parameters if p["in"] == "path"
        }:
            raise _Left(f"its path wants {sorted(missing)[0]}, which no parameter describes")
        body = _body(document, given, properties, required)
    except _Left as reason:
        return Operation(name, wanted, {"name": name}, f"{reason}.")
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    part: dict[str, Any] = {
        "name": name,
        "description": "\n".join(texts)[:_LONGEST_DESCRIPTION] or name,
        "schema": schema,
        "method": method,
        "path": path,
    }
    if parameters:
        part["parameters"] = parameters
    if body:
        part["body"] = body
    if method in READING:
        part["reads"] = True
    return Operation(name, wanted, part)


def _arguments(
    document: OpenAPIDocument, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any], list[str]]:
    parameters: list[dict[str, Any]] = []
    properties: dict[str, Any] = {}
    required: list[str] = []
    for given in _parameters(document, item, operation):
        name, place = str(given.get("name", "")), str(given.get("in", ""))
        needed = given.get("required") is True or place == "path"
        if (place == "header" and name.lower() in IGNORED_HEADERS) or not name:
            continue
        if place not in STYLES:
            if needed:
                raise _Left(f"it needs {name} as a {place[:20]} parameter")
            continue
        argument = _argument_name(name, place, properties)
        style, explode, schema = _style(given, place)
        if style not in STYLES[place]:
            raise _Left(f"{name} is written in the style {style[:20]}")
        described = argument_schema(document, schema)
        if isinstance(text := given.get("description"), str) and text.strip():
            described["description"] = text.strip()[:400]
        properties[argument] = described
        if needed:
            required.append(argument)
        parameter: dict[str, Any] = {"name": name, "in": place, "argument": argument, "style": style}
        parameters.append({**parameter, "explode": True} if explode else parameter)
    return parameters, properties, required


def _parameters(
    document: OpenAPIDocument, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Return the parameters of an operation; its own replace its path's of the same name and place."""
    merged: dict[tuple[str, str], Mapping[str, Any]] = {}
    for holder in (item, operation):
        listed = holder.get("parameters")
        for given in listed if isinstance(listed, list) else ():
            parameter = document.resolve(given)
            if not isinstance(parameter, Mapping):
                raise _Left("one of its parameters is described elsewhere")
            merged[str(parameter.get("name")), str(parameter.get("in"))] = parameter
    yield from merged.values()


def _style(parameter: Mapping[str, Any], place: str) -> tuple[str, bool, Any]:
    content = _mapping(parameter.get("content"))
    if content:
        return "json", False, _mapping(next(iter(content.values()))).get("schema")
    style = str(parameter.get("style") or ("form" if place == "query" else "simple"))
    explode = parameter.get("explode")
    return (
        style,
        explode if isinstance(explode, bool) else style in ("form", "deepObject"),
        parameter.get("schema"),
    )


def _argument_name(name: str, place: str, taken: Mapping[str, Any]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:50]
    while plain in taken or plain == "body":
        plain = f"{plain}_{place}"
    return plain


def _body(
    document: OpenAPIDocument, operation: Mapping[str, Any], properties: dict[str, Any], required: list[str]
) -> str:
    """Add the argument `body`; return how it is written, empty if there is none."""
    body = document.resolve(operation.get("requestBody"))
    if not isinstance(body, Mapping):
        return ""
    content = _mapping(body.get("content"))
    for media in content:
        kind = _BODIES.get(str(media).split(";")[0].strip().lower())
        if kind or str(media).lower().endswith("+json"):
            described = argument_schema(document, _mapping(content[media]).get("schema"))
            properties["body"] = described
            if body.get("required") is True:
                required.append("body")
            return kind or "json"
    if body.get("required") is True:
        raise _Left(f"its body is {', '.join(map(str, content))[:100]}, not JSON or a form")
    return ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
