"""Load a document's text: YAML or JSON, within limits, with the line of each entry."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml

from agentforge.negotiation import json_value

from .paths import SECTIONS
from .problems import DocumentError, Problem
from .room import MAX_CHARACTERS, MAX_ENTRIES

MAX_DEPTH = 20
# A path repeats the keys around it.
_LONGEST_KEY = 200
_TOO_DEEP = "the document is nested too deeply or holds too many entries"


@dataclass(frozen=True)
class Source:
    """A document's entries by path (`personality.tone`), and the lines of paths (`cases.0.ask`), from 1."""

    entries: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    def line(self, path: str) -> int | None:
        """Return the line of a path, or of the closest section around it; None if it is unknown."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path)


def load(text: str) -> Source:
    """Return the entries of a document.

    Raises DocumentError for text that is not YAML or JSON, not a mapping, or beyond the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError([Problem("", f"the document is longer than {MAX_CHARACTERS // 1024} KB")])
    try:
        value, lines = _value(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError([_syntax_problem(error)]) from error
    if not isinstance(value, Mapping):
        raise DocumentError([Problem("", "the document is not a mapping, like identity: {name: Ada}")])
    return Source(_flatten(value), lines)


class _Loader(yaml.SafeLoader):
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return super().construct_object(node, deep)
        try:
            value = super().construct_object(node, deep)
            # An integer in hexadecimal may be too long to print, for example in a message.
            str(value)
        # PyYAML does not catch that `!!int ""`, `!!bool x` and `!!timestamp x` are not such values.
        except (ValueError, LookupError, AttributeError) as error:
            message = f"this is not a valid {node.tag.rpartition(':')[2]}"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark) from error
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, Hashable):
                continue  # the constructor says so itself
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} appears twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _value(text: str) -> tuple[object, dict[str, int]]:
    """Return what a text holds, and the lines of its paths."""
    # YAML reads most JSON, but decodes an escaped surrogate pair as two broken characters.
    with suppress(json.JSONDecodeError):
        return json_value(text), _lines(text)
    _measure(text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return (loader.construct_document(root) if root else None), _lines_of(root)
    finally:
        loader.dispose()


def _measure(text: str) -> None:
    """Parse the document's events, to refuse one that would grow when loaded before loading it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("aliases (*name) are not supported", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_ENTRIES:
            raise _refusal(_TOO_DEEP, event)


def _refusal(message: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    mark = event.start_mark
    return yaml.composer.ComposerError(
        problem=message, problem_mark=mark if isinstance(mark, yaml.error.Mark) else None
    )


def _syntax_problem(error: Exception) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        message = f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or 'this can not be read'}"
        return Problem("", message)
    if isinstance(error, yaml.reader.ReaderError):
        return Problem("", f"position {error.position}: this character is not allowed")
    if isinstance(error, RecursionError):
        return Problem("", _TOO_DEEP)
    return Problem("", str(error) or "the document can't be read")


def _flatten(value: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, entry in value.items():
        path = f"{prefix}{key}"
        if path in SECTIONS and isinstance(entry, Mapping):
            flat |= _flatten(entry, f"{path}.")
        else:
            flat[path] = entry
    return flat


def _lines(text: str) -> dict[str, int]:
    try:
        _measure(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    # JSON may hold what YAML does not, such as tabs before a name: then no line is known.
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return _lines_of(root)


def _lines_of(root: yaml.Node | None) -> dict[str, int]:
    return _lines_below(root, "") if isinstance(root, yaml.MappingNode) else {}


def _lines_below(node: yaml.Node, prefix: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    for path, start, value in _entries_below(node, prefix):
        lines |= {path: start.start_mark.line + 1, **_lines_below(value, f"{path}.")}
    return lines


def _entries_below(node: yaml.Node, prefix: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Yield the path of each entry or item, where it starts, and its value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and len(key.value) <= _LONGEST_KEY:
                yield f"{prefix}{key.value}", key, value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield f"{prefix}{index}", item, item
