"""Validate programs of a person's own machine: how they are started, and what variables they get."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


def clean_program(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a program as agent.json names it, without its tools."""
    command, args = entry.get("command"), entry.get("args", [])
    clean_command(command, args)
    program = {"name": name, "command": command, "args": args, "env": clean_env(entry.get("env", []))}
    return {key: value for key, value in program.items() if value}


def clean_command(command: Any, args: Any) -> None:
    """Raise ValidationError for what can't start a program."""
    words = [command, *args] if isinstance(args, list) else [None]
    if not all(isinstance(word, str) and len(word) <= 500 and word.isprintable() for word in words):
        raise ValidationError("Give the command and its arguments as words, without line breaks.")
    if not command or len(words) > 40:
        raise ValidationError("Give a command with at most 39 arguments.")


def clean_env(value: Any) -> list[str]:
    """Return the names of variables."""
    if not isinstance(value, list) or len(value) > 20:
        raise ValidationError("Name at most 20 variables.")
    if wrong := [each for each in value if not isinstance(each, str) or not _VARIABLE.fullmatch(each)]:
        shown = str(wrong[0])[:40]
        raise ValidationError(f"“{shown}” is not the name of a variable. Give names only, never values.")
    return sorted(set(value))
