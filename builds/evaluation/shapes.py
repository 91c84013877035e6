"""The shapes of assertions' values in a file: each returns what is wrong with one, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

SEQUENCES = ("strict", "unordered", "subset", "superset")


def is_text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "takes a text"


def is_texts(value: Any) -> str:
    valid = isinstance(value, list) and value and all(isinstance(each, str) and each for each in value)
    return "" if valid else "takes a list of texts"


def is_number(value: Any) -> str:
    valid = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return "" if valid else "takes a number"


def is_flag(value: Any) -> str:
    return "" if value is True else "takes true; put not- before its name for the opposite"


def is_pattern(value: Any) -> str:
    if wrong := is_text(value):
        return wrong
    try:
        regex.compile(value)
    except regex.error as error:
        return f"is no pattern: {error}"
    return ""


def is_arguments(value: Any) -> str:
    valid = (
        isinstance(value, Mapping)
        and set(value) == {"tool", "arguments"}
        and isinstance(value["tool"], str)
        and isinstance(value["arguments"], Mapping)
    )
    return "" if valid else "takes tool and arguments, like {tool: calculator, arguments: {expression: 2+2}}"


def is_sequence(value: Any) -> str:
    valid = (
        isinstance(value, Mapping)
        and set(value) <= {"mode", "tools"}
        and value.get("mode", SEQUENCES[0]) in SEQUENCES
        and not is_texts(value.get("tools"))
    )
    return "" if valid else f"takes tools, a list, and mode: {', '.join(SEQUENCES)}"


def is_word_list(value: Any) -> str:
    return "" if not is_text(value) or not is_texts(value) else "takes a name or a list of names"
