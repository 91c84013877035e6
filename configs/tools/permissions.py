"""Rules for the calls of tools: `ask`, or `allow url=https://example.org/*` (agent/permissions)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from .catalogue import CATALOGUE, tool_of

ALLOW, ASK, DENY = "allow", "ask", "deny"
_RULE = re.compile(
    r"(?:allow|ask|deny)(?: +[A-Za-z][A-Za-z0-9_]{0,63}=\S[^\n]{0,499})?",
    re.ASCII,
)
_MOST_RULES = 50
Rules = dict[str, list[str]]


def clean_permissions(given: Any) -> Rules:
    """Return rules by tool or function, one for all calls of a function first; none where there are none.

    Raises ValidationError for a name that is no tool's, or a rule that can't be read.
    """
    if not isinstance(given, Mapping):
        raise ValidationError('Give the rules by tool, such as {"fetch": ["ask"]}.')
    rules: Rules = {}
    for name, lines in given.items():
        if name not in CATALOGUE and not tool_of(str(name)):
            raise ValidationError(f"“{str(name)[:80]}” is not a tool.")
        if not isinstance(lines, list) or len(lines) > _MOST_RULES:
            raise ValidationError(f"Give the rules for {name} as a list of at most {_MOST_RULES}.")
        for line in lines:
            _add(rules, str(name), _cleaned(line))
    return {name: sorted(set(lines), key=_order) for name, lines in sorted(rules.items())}


def _cleaned(line: Any) -> str:
    text = line.strip() if isinstance(line, str) else ""
    if not _RULE.fullmatch(text) or any(ord(character) < 32 for character in text):
        raise ValidationError(
            f"“{str(line)[:80]}” is not a rule. Write for example: allow url=https://example.org/*"
        )
    return " ".join(text.split(None, 1))


def _add(rules: Rules, name: str, rule: str) -> None:
    """Add a rule; one for all calls of a tool becomes one for each of its functions."""
    entry = CATALOGUE.get(name)
    names = [function.name for function in entry.functions] if entry and not is_pattern(rule) else [name]
    for each in names:
        rules.setdefault(each, []).append(rule)


def is_pattern(rule: str) -> bool:
    """Return whether a rule is for calls with a certain argument only."""
    return " " in rule


def _order(rule: str) -> tuple[bool, int, str]:
    return is_pattern(rule), (DENY, ASK, ALLOW).index(rule.split(" ", 1)[0]), rule


def choice_for(rules: Mapping[str, list[str]], function: str) -> str:
    """Return the permission of all calls of a function that no pattern matches; empty for the default."""
    return next((rule for rule in rules.get(function, []) if not is_pattern(rule)), "")


def patterns_for(rules: Mapping[str, list[str]], tool: str) -> list[str]:
    """Return the rules of a tool for calls with a certain argument."""
    return [rule for rule in rules.get(tool, []) if is_pattern(rule)]
