"""Translate the shared part of promptfoo's configuration: https://www.promptfoo.dev/docs/configuration/reference.

Taken: `prompts` (the first), `tests` with `description`, `vars` and `assert`, `defaultTest`. Everything else
is named in a note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .assertions import KINDS

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TAKEN = {"tests", "prompts", "defaultTest", "description"}
_TAKEN_OF_TEST = {"description", "vars", "assert"}
# Their names for what has another one here.
_OTHER_NAMES = {"trajectory:tool-used": "tool-called"}
_THRESHOLDS = {"latency", "cost"}
_MILLISECONDS = {"latency"}


def translate(entries: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the entries of a file of cases, and a note for each thing that was left out."""
    notes = [f"“{name}” was left out." for name in entries if name not in _TAKEN]
    prompts = entries.get("prompts")
    prompt = prompts[0] if isinstance(prompts, list) and prompts and isinstance(prompts[0], str) else ""
    if isinstance(prompts, list) and len(prompts) > 1:
        notes.append("Only the first of the prompts is asked.")
    default = entries.get("defaultTest")
    shared = default if isinstance(default, Mapping) else {}
    tests = entries["tests"]
    if not isinstance(tests, list):
        return {"cases": tests}, tuple(notes)
    cases = [_case(number, test, prompt, shared, notes) for number, test in enumerate(tests, 1)]
    return {"cases": cases}, tuple(notes)


def _case(number: int, test: Any, prompt: str, shared: Mapping[str, Any], notes: list[str]) -> Any:
    if not isinstance(test, Mapping):
        return test
    name = str(test.get("description") or f"Case {number}")
    notes += [
        f"{name}: “{key}” was left out." for key in test if key not in ("description", "vars", "assert")
    ]
    variables = {**_mapping(shared.get("vars")), **_mapping(test.get("vars"))}
    expect = [
        assertion
        for each in [*_list(shared.get("assert")), *_list(test.get("assert"))]
        if (assertion := _assertion(name, each, notes))
    ]
    return {"name": name, "ask": _question(prompt, variables), "expect": expect}


def _question(prompt: str, variables: Mapping[str, Any]) -> str:
    if prompt:
        return _VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), prompt)
    return str(next(iter(variables.values()), ""))


def _assertion(case: str, entry: Any, notes: list[str]) -> dict[str, Any] | None:
    kind = str(_mapping(entry).get("type", ""))
    negated, bare = ("not-", kind[4:]) if kind.startswith("not-") else ("", kind)
    bare = _OTHER_NAMES.get(bare, bare)
    if bare not in KINDS:
        notes.append(f"{case}: the assertion “{kind or entry}” was left out.")
        return None
    value = entry.get("threshold") if bare in _THRESHOLDS else entry.get("value", True)
    if bare in _MILLISECONDS and isinstance(value, int | float):
        value /= 1000
    return {negated + bare: value}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
