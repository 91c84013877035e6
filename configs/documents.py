"""Read an agent's configuration from a YAML or JSON file, through the forms of the wizard."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import yaml
from django.core.exceptions import ValidationError

from agentforge.negotiation import json_value, refuse_duplicates

from .forms import TAB_FORMS, KeysForm
from .forms.base import DraftForm, type_errors
from .forms.identity import HANDLE_LENGTH
from .forms.url import clean_base_url
from .models import AgentConfig
from .providers import PROVIDERS
from .revisions import SCHEMA

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 5000
_TOO_DEEP = "the document is nested too deeply or holds too many entries"

# The path of each draft field in a document, which has the shape of agent.json without derived values.
PATHS: dict[str, str] = {
    "identity.name": "name",
    "identity.handle": "handle",
    "identity.type": "type",
    "identity.description": "description",
    "identity.version": "version",
    "provider.code": "provider",
    "provider.model": "model",
    "personality.preset": "preset",
    "personality.traits": "traits",
    "personality.communication_style": "communication_style",
    "personality.tone": "tone",
    "personality.response_length": "response_length",
    "personality.creativity": "creativity",
    "personality.custom_instructions": "custom_instructions",
    "capabilities.memory.enabled": "memory",
    "capabilities.memory.turns": "memory_turns",
    "capabilities.tools": "tools",
    "limits.tool_rounds": "tool_rounds",
    "limits.seconds": "time_limit_seconds",
    "limits.memory_mb": "memory_limit_mb",
}
_PATH_OF = {field: path for path, field in PATHS.items()}
_OTHERS = ("schema", "provider.base_url", "provider.needs_key")
_SECTIONS = {path.rsplit(".", depth)[0] for path in PATHS for depth in (1, 2) if path.count(".") >= depth}


@dataclass(frozen=True)
class Problem:
    """One error in a document: its path (`personality.tone`) and a message."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentError(Exception):
    """A document is invalid; `problems` lists every error."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """A validated configuration: the draft's fields, and the URL of a compatible server."""

    values: dict[str, Any]
    base_url: str = ""
    needs_key: bool = True

    def agent(self) -> AgentConfig:
        """Return the draft that this document describes, unsaved and without an owner."""
        return AgentConfig(**self.values)


def parse(text: str) -> Document:
    """Return the configuration of a YAML or JSON document; omitted fields get the wizard's defaults.

    Raises DocumentError with every wrong or unknown field.
    """
    flat = _flatten(_load(text))
    problems = [
        Problem(path, _unknown_path(path)) for path in flat if path not in PATHS and path not in _OTHERS
    ]
    if flat.get("schema", SCHEMA) != SCHEMA:
        problems.append(Problem("schema", f"must be {SCHEMA}"))
    base_url, needs_key = _server(flat, problems)
    cleaned: dict[str, Any] = {}
    for form_class in TAB_FORMS.values():
        cleaned |= _validate(form_class, flat, problems)
    if problems:
        raise DocumentError(sorted(problems, key=lambda problem: problem.path))
    return Document(cleaned, base_url, needs_key)


def _load(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_BYTES:
        raise DocumentError([Problem("", f"the document is longer than {MAX_BYTES // 1024} KB")])
    try:
        value = _value(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError([Problem("", _syntax(error))]) from error
    if not isinstance(value, Mapping):
        raise DocumentError([Problem("", "the document is not a mapping, like identity: {name: Ada}")])
    return value


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
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        refuse_duplicates(key for key in keys if isinstance(key, Hashable))
        return super().construct_mapping(node, deep)


def _value(text: str) -> object:
    # YAML reads most JSON, but decodes an escaped surrogate pair as two broken characters.
    with suppress(json.JSONDecodeError):
        return json_value(text)
    _measure(text)
    # A subclass of SafeLoader: it creates plain values only.
    return yaml.load(text, Loader=_Loader)  # noqa: S506


def _measure(text: str) -> None:
    """Parse the document's events, to refuse one that would grow when loaded before loading it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases (*name) are not supported")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise ValueError(_TOO_DEEP)


def _syntax(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or 'this can not be read'}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"position {error.position}: this character is not allowed"
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    return str(error) or "the document can't be read"


def _flatten(value: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, entry in value.items():
        path = f"{prefix}{key}"
        if path in _SECTIONS and isinstance(entry, Mapping):
            flat |= _flatten(entry, f"{path}.")
        else:
            flat[path] = entry
    return flat


def _unknown_path(path: str) -> str:
    return "must contain fields" if path in _SECTIONS else "unknown field"


def _server(flat: Mapping[str, Any], problems: list[Problem]) -> tuple[str, bool]:
    provider = PROVIDERS.get(str(flat.get("provider.code", "")))
    given, needs_key = flat.get("provider.base_url", ""), flat.get("provider.needs_key", True)
    if not isinstance(needs_key, bool):
        problems.append(Problem("provider.needs_key", "must be true or false"))
    if provider is None or not provider.asks_base_url:
        if given:
            problems.append(Problem("provider.base_url", "is for openai_compatible only"))
        return "", True
    try:
        return clean_base_url(given), bool(needs_key)
    except ValidationError as error:
        problems.extend(Problem("provider.base_url", message) for message in error.messages)
        return "", True


def _validate(
    form_class: type[DraftForm], flat: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    fields = [name for name in form_class.base_fields if name in _PATH_OF]
    given = {name: flat[_PATH_OF[name]] for name in fields if _PATH_OF[name] in flat}
    wrong = type_errors(form_class, given)
    agent = AgentConfig(provider=str(flat.get("provider.code", ""))[:HANDLE_LENGTH])
    defaults = {name: getattr(agent, name) for name in fields if name not in given}
    if form_class is KeysForm:
        defaults = {}
    form = form_class({**defaults, **given}, instance=agent)
    problems.extend(Problem(_PATH_OF[name], message) for name, message in wrong.items())
    for name, messages in form.errors.items():
        if name not in wrong:
            problems.extend(Problem(_PATH_OF.get(name, name), str(message)) for message in messages)
    return form.cleaned_data
