"""JSON Schemas of arguments, from those of OpenAPI 3.0 to 3.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .document import OpenAPIDocument

# References inside references further down say only that there is something.
_DEEPEST_REFERENCE = 3
_DEEPEST = 9
_LONGEST_TEXT = 400
_KEPT = (
    *("type", "enum", "const", "format", "pattern", "default", "required"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
)
_LISTS = ("oneOf", "anyOf", "allOf")


def argument_schema(document: OpenAPIDocument, schema: Any) -> dict[str, Any]:
    """Return a schema without references, without what only answers have, and in the terms of JSON Schema."""
    return _plain(document, schema, 0, 0)


def _plain(document: OpenAPIDocument, given: Any, references: int, depth: int) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {}
    if "$ref" in given:
        references += 1
    found = document.resolve(given)
    if not isinstance(found, Mapping) or references > _DEEPEST_REFERENCE or depth > _DEEPEST:
        return {"type": "object"} if not isinstance(found, Mapping) or "properties" in found else _leaf(found)
    # From 3.1 on, a reference may have siblings.
    schema = {**found, **{name: value for name, value in given.items() if name != "$ref"}}

    def inner(value: Any) -> dict[str, Any]:
        return _plain(document, value, references, depth + 1)

    plain = _leaf(schema)
    if isinstance(properties := schema.get("properties"), Mapping):
        kept = {str(name): value for name, value in properties.items() if not _is_read_only(document, value)}
        plain["properties"] = {name: inner(value) for name, value in kept.items()}
        if isinstance(required := plain.get("required"), list):
            plain["required"] = [name for name in required if name in kept]
    if "items" in schema:
        plain["items"] = inner(schema["items"])
    if isinstance(further := schema.get("additionalProperties"), Mapping):
        plain["additionalProperties"] = inner(further)
    elif isinstance(further, bool):
        plain["additionalProperties"] = further
    for name in _LISTS:
        if isinstance(choices := schema.get(name), list):
            plain[name] = [inner(choice) for choice in choices]
    return plain


def _leaf(schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: schema[name] for name in _KEPT if name in schema}
    if isinstance(text := schema.get("description"), str) and text.strip():
        plain["description"] = text.strip()[:_LONGEST_TEXT]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        # In 3.0 it is a flag beside the bound.
        if isinstance(flag := plain.get(exclusive), bool):
            del plain[exclusive]
            if flag and bound in plain:
                plain[exclusive] = plain.pop(bound)
    if schema.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
        if isinstance(plain.get("enum"), list) and None not in plain["enum"]:
            plain["enum"] = [*plain["enum"], None]
    if not isinstance(plain.get("required", []), list):
        del plain["required"]
    return plain


def _is_read_only(document: OpenAPIDocument, value: Any) -> bool:
    schema = document.resolve(value)
    return isinstance(schema, Mapping) and schema.get("readOnly") is True
