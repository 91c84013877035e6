"""Put variables into promptfoo's texts: the plain part of Nunjucks, `{{ name }}` and `{{ name.part }}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# Bounded: many braces that nothing closes would be searched to the end of the text each.
_MARKUP = re.compile(r"\{\{(?:(.{0,200}?)\}\})?|\{[%#]", re.DOTALL)
_NAME = re.compile(r"\s*([A-Za-z_]\w*(?:\.\w+)*)\s*")
# Promptfoo reads these, or runs them: there is no such file here.
_ELSEWHERE = ("file://", "https://", "package:", "javascript:", "python:", "fn:")
# Of what variables put into a text: a short one could repeat a long variable without end.
_LONGEST = 20_000


class NotTranslatable(Exception):
    """Something of promptfoo's has no meaning here; the message says why."""


def rendered(value: Any, variables: Mapping[str, Any]) -> Any:
    """Return a value, or what is in a list or mapping, with its variables. Raises NotTranslatable."""
    if isinstance(value, str):
        return _text(value, variables)
    if isinstance(value, list):
        return [rendered(each, variables) for each in value]
    if isinstance(value, Mapping):
        return {name: rendered(each, variables) for name, each in value.items()}
    return value


def check_is_here(value: Any) -> None:
    """Raise NotTranslatable for a text that names a file or a program in its place."""
    if isinstance(value, str) and value.startswith(_ELSEWHERE):
        raise NotTranslatable(f"“{value[:60]}” is read or run elsewhere")


def as_text(value: Any) -> str:
    """Return a variable's value as a prompt shows it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(text: str, variables: Mapping[str, Any]) -> str:
    check_is_here(text)
    length = 0

    def value(found: re.Match[str]) -> str:
        nonlocal length
        shown = _value(found, variables)
        length += len(shown)
        if length > _LONGEST:
            raise NotTranslatable(f"its variables are longer than {_LONGEST:,} characters together")
        return shown

    return _MARKUP.sub(value, text)


def _value(found: re.Match[str], variables: Mapping[str, Any]) -> str:
    name = _NAME.fullmatch(found[1] or "")
    if name is None:
        raise NotTranslatable(f"“{found[0][:60]}” is more than a variable")
    value: Any = variables
    for part in name[1].split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise NotTranslatable(f"the variable “{name[1][:60]}” has no value")
        value = value[part]
    check_is_here(value)
    shown = as_text(value)
    if _MARKUP.search(shown):
        raise NotTranslatable(f"the variable “{name[1][:60]}” holds more than text")
    return shown
