"""The JSON Schema of an agent's answers: the part of JSON Schema that providers take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agentforge.negotiation import json_value

MOST_CHARACTERS = 20_000
_MOST_LEVELS = 10
_MOST_PROPERTIES = 500
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_TEXTS = ("title", "description", "pattern", "format", "$ref", "$schema", "$id", "$comment")
_KEYWORDS = (
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$defs"),
    *("default", "examples", *_NUMBERS, *_COUNTS, *_TEXTS),
)
# What the agent's regular expressions (RE2) and those of the providers have in common.
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_KNOWN_ESCAPES = frozenset("dDwWsSbB.\\/-^$*+?()[]{}|ntrfv\"'#@&%!:;,=<>~` ")
_UNKNOWN_GROUP = re.compile(r"\(\?(?!:)")
_POSSESSIVE = re.compile(r"[*+?}]\+")
_REPEATED = re.compile(r"\{(\d*),?(\d*)\}")
_MOST_REPEATS = 1000


class InvalidSchema(ValueError):
    """A schema can't be used; the message says where and why."""


def parse(text: str) -> dict[str, Any]:
    """Return the schema in a text, as its author wrote it. Raises InvalidSchema."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidSchema(f"The schema is longer than {MOST_CHARACTERS:,} characters.")
    try:
        schema = json_value(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSchema(f"The schema is not JSON: {error}.") from error
    if not isinstance(schema, dict) or schema.get("type") != "object" or not schema.get("properties"):
        raise InvalidSchema(
            "The answer must be an object: begin with "
            '{"type": "object", "properties": {…}} and name at least one property.'
        )
    _Inspection(schema).run()
    return schema


def is_strict(schema: object) -> bool:
    """Return whether providers can hold a model to a schema: no object leaves a property open."""
    if isinstance(schema, Mapping):
        if "properties" in schema or schema.get("type") == "object":
            named = schema.get("properties", {})
            is_exact = schema.get("additionalProperties") is False
            if not is_exact or set(schema.get("required", ())) != set(named):
                return False
        return all(is_strict(inner) for _, inner in _inner(schema))
    return True


def written(schema: Mapping[str, Any]) -> str:
    """Return a schema as the form shows it, in the order in which its properties are to be answered."""
    return json.dumps(schema, indent=2, ensure_ascii=False, allow_nan=False)


class _Inspection:
    """Looks at every schema in a schema, and raises InvalidSchema for the first fault."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._properties = 0

    def run(self) -> None:
        self._look(self._root, "$", 1)

    def _look(self, schema: object, path: str, level: int) -> None:
        if not isinstance(schema, dict):
            raise InvalidSchema(f'{path} must be a schema, like {{"type": "string"}}.')
        if level > _MOST_LEVELS:
            raise InvalidSchema(
                f"{path} is nested more than {_MOST_LEVELS} levels deep, which providers refuse."
            )
        for keyword, value in schema.items():
            self._keyword(keyword, value, f"{path}.{keyword}")
        named = schema.get("properties", {})
        self._properties += len(named)
        if self._properties > _MOST_PROPERTIES:
            raise InvalidSchema(
                f"The schema has more than {_MOST_PROPERTIES} properties, which providers refuse."
            )
        for name in schema.get("required", ()):
            if name not in named:
                raise InvalidSchema(f"{path}.required names “{name}”, which is not among the properties.")
        for place, inner in _inner(schema):
            self._look(inner, f"{path}.{place}", level + 1)

    def _keyword(self, keyword: str, value: Any, path: str) -> None:
        if keyword not in _KEYWORDS:
            raise InvalidSchema(f"{path}: providers don't take “{keyword}”. Use {', '.join(_KEYWORDS[:9])}.")
        if problem := _fault(keyword, value):
            raise InvalidSchema(f"{path} {problem}.")
        if keyword == "pattern":
            _check_pattern(value, path)
        if keyword == "$ref":
            name, named = value.removeprefix("#/$defs/"), self._root.get("$defs")
            if value != "#" and (name == value or not isinstance(named, dict) or name not in named):
                raise InvalidSchema(
                    f"{path} leads nowhere: write # or #/$defs/NAME for a schema under $defs."
                )


def _inner(schema: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for keyword in ("properties", "$defs"):
        yield from ((f"{keyword}.{name}", inner) for name, inner in schema.get(keyword, {}).items())
    if "items" in schema:
        yield "items", schema["items"]
    if isinstance(schema.get("additionalProperties"), dict):
        yield "additionalProperties", schema["additionalProperties"]
    yield from ((f"anyOf[{index}]", inner) for index, inner in enumerate(schema.get("anyOf", ())))


def _fault(keyword: str, value: Any) -> str:
    """Return what is wrong with the value of a keyword by itself; empty if nothing is."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if keyword == "type":
        names = value if isinstance(value, list) and value else [value]
        return "" if all(name in _TYPES for name in names) else f"must be one of {', '.join(_TYPES)}"
    if keyword in ("properties", "$defs"):
        return "" if isinstance(value, dict) else "must be an object of schemas"
    if keyword == "required":
        is_list = isinstance(value, list) and all(isinstance(name, str) for name in value)
        return "" if is_list and len(set(value)) == len(value) else "must be a list of names, each once"
    if keyword in ("enum", "anyOf"):
        return "" if isinstance(value, list) and value else "must be a list with an entry at least"
    if keyword == "additionalProperties":
        return "" if isinstance(value, (bool, dict)) else "must be true, false or a schema"
    if keyword in _COUNTS:
        return "" if is_number and isinstance(value, int) and value >= 0 else "must be a whole number from 0"
    if keyword in _NUMBERS:
        return "" if is_number and (keyword != "multipleOf" or value > 0) else "must be a number"
    return "must be text" if keyword in _TEXTS and not isinstance(value, str) else ""


def _check_pattern(pattern: str, path: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidSchema(f"{path} is not a regular expression: {error}.") from error
    if unknown := [escape for escape in _ESCAPE.findall(pattern) if escape not in _KNOWN_ESCAPES]:
        raise InvalidSchema(f"{path}: providers don't take \\{unknown[0]} in a regular expression.")
    bare = _CLASS.sub("c", _ESCAPE.sub("x", pattern))
    if _UNKNOWN_GROUP.search(bare) or _POSSESSIVE.search(bare):
        raise InvalidSchema(f"{path}: providers don't take (?…) other than (?:…), or a + after a repetition.")
    if any(int(count) > _MOST_REPEATS for pair in _REPEATED.findall(bare) for count in pair if count):
        raise InvalidSchema(f"{path} repeats something more than {_MOST_REPEATS} times, which is refused.")
