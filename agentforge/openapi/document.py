"""Build the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import autodiscover_modules

from .operations import BY_PATH, NAMED, Methods, Operation
from .responses import COMPONENTS, responses
from .schemas import INTEGER, STRING, Schema, field_schema, form_schema

ABOUT = """\
Scripts use the same URLs as pages. Send `Authorization: Bearer TOKEN` with an access token of the identity
service, and `Accept: application/json`; without it HTML is returned. Bodies are one JSON object
(`Content-Type: application/json`). A CSRF token is required with a session cookie, but not with a bearer
token.

Invalid input is answered with `{"success": false, "errors": {field: [message]}}` and changes nothing. Every
other error is `application/problem+json`. For 429, `Retry-After` says when to retry."""

_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_KINDS: dict[str, Schema] = {
    "int": {**INTEGER, "minimum": 0},
    "slug": {**STRING, "pattern": "^[-a-zA-Z0-9_]+$"},
    "uuid": {**STRING, "format": "uuid"},
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of everything that `openapi.py` of each app describes."""
    autodiscover_modules("openapi")
    paths = {}
    for name, route, view in named_urls(get_resolver()):
        if name in NAMED:
            path = "/" + _PARAMETER.sub(lambda match: f"{{{match['name']}}}", route)
            paths[path] = _path(name, NAMED[name], _in_path(route), view)
    for path, methods in BY_PATH.items():
        paths[path] = _path(path.strip("/"), methods, {}, None)
    return {
        "openapi": "3.1.0",
        "info": {"title": "AgentForge", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": dict(sorted(paths.items())),
        "components": COMPONENTS,
    }


def named_urls(
    resolver: URLResolver, prefix: str = "", route: str = ""
) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield the name, route and view of every URL outside the administration."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name or entry.pattern}", f"{route}{entry.pattern}", entry.callback
        elif isinstance(entry, URLResolver) and entry.namespace != "admin":
            inner = f"{prefix}{entry.namespace}:" if entry.namespace else prefix
            yield from named_urls(entry, inner, f"{route}{entry.pattern}")


def _in_path(route: str) -> dict[str, Schema]:
    return {match["name"]: _KINDS.get(match["kind"], STRING) for match in _PARAMETER.finditer(route)}


def _path(name: str, methods: Methods, in_path: Mapping[str, Schema], view: Any) -> dict[str, Any]:
    limited = getattr(view, "rate_limit", "")
    return {
        method: {
            "operationId": re.sub(r"\W", "_", f"{name}_{method}"),
            "tags": [name.partition(":")[0]],
            "summary": operation.summary,
            **({"description": operation.note} if operation.note else {}),
            **({"security": [{}]} if operation.public else {}),
            "parameters": _parameters(operation, in_path),
            **_body(operation),
            "responses": responses(operation, in_path=bool(in_path), posts=method == "post", limited=limited),
        }
        for method, operation in methods.items()
    }


def _parameters(operation: Operation, in_path: Mapping[str, Schema]) -> list[dict[str, Any]]:
    path = {**in_path, **operation.path}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema} for name, schema in path.items()
    ]
    query: dict[str, Schema] = dict(operation.parameters)
    if operation.query is not None:
        fields = operation.query.base_fields  # type: ignore[attr-defined] # the metaclass adds it
        query |= {name: field_schema(field) for name, field in fields.items()}
    return parameters + [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]


def _body(operation: Operation) -> dict[str, Any]:
    if not operation.forms:
        return {}
    schemas = [dict(form_schema(form, operation.required)) for form in operation.forms]
    for each in schemas if operation.also else ():
        each["properties"] = {**each["properties"], **operation.also}
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    required = all(each.get("required") for each in schemas)
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}
