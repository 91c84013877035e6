"""Write cases as a file of promptfoo's, which `importer` reads back; what it can't say is in its comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from builds.evaluation.assertions import NOT, RUBRIC, Assertion

from .rendering import NotTranslatable

if TYPE_CHECKING:
    from builds.evaluation.cases import Case, JudgeModel, Suite

_HEAD = "# Of AgentForge. Name under `providers` what is to answer.\n"
_SAME = {
    *("equals", "contains", "icontains", "contains-any", "contains-all", "icontains-any", "icontains-all"),
    *("starts-with", "regex", "finish-reason", RUBRIC),
}
# What names a file there: a text that begins so, and a mapping with this name.
_FILES, _REFERENCE = ("file://", "package:"), "$ref"
# JavaScript has no flags inside of a pattern.
_FLAGS = re.compile(r"\(\?[a-zA-Z]+\)")


def export(suite: Suite) -> str:
    """Return the cases as YAML."""
    cases = suite.cases
    notes: list[str] = []
    tests = [test for case in cases for test in _tests(case, notes)]
    repeats = {case.repeat for case in cases}
    if len(repeats) > 1:
        notes.append(f"Each test is repeated {max(repeats)} times: there is one number for all.")
    content = {
        "prompts": ["{{question}}"],
        **_judge(suite.judge),
        "evaluateOptions": {"repeat": max(repeats)},
        "tests": tests,
    }
    comments = "".join(f"# {' '.join(note.split())}\n" for note in notes)
    return _HEAD + comments + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)


def _judge(judge: JudgeModel | None) -> dict[str, Any]:
    return {"defaultTest": {"options": {"provider": f"{judge.provider}:{judge.model}"}}} if judge else {}


def _tests(case: Case, notes: list[str]) -> Iterator[dict[str, Any]]:
    if len(case.ask) > 1:
        notes.append(f"{case.name} was left out: it asks several questions.")
        return
    expect = []
    for assertion in case.expect:
        try:
            expect.append(_assertion(assertion))
        except NotTranslatable as reason:
            notes.append(f"{case.name}: {assertion.name} was left out: {reason}.")
    if _is_read(case.ask[0]):
        notes.append(f"{case.name} was left out: there, its question would be read from a file.")
    elif expect and not _has_markup(case.ask[0]):
        yield {"description": case.name, "vars": {"question": case.ask[0]}, "assert": expect}
    else:
        notes.append(f"{case.name} was left out: it can't be asked there.")


def _assertion(assertion: Assertion) -> dict[str, Any]:
    negation = NOT if assertion.name.startswith(NOT) else ""
    kind, value = assertion.name.removeprefix(NOT), assertion.value
    if _has_markup(value):
        raise NotTranslatable("its braces would be a variable there")
    if _is_read(value):
        raise NotTranslatable("there, it would be read from a file")
    if kind == "is-json":
        return {"type": negation + kind}
    if kind in ("latency", "cost"):
        return {"type": negation + kind, "threshold": value * 1000 if kind == "latency" else value}
    if kind == "regex" and _FLAGS.match(value):
        raise NotTranslatable("flags inside of a pattern are not known there")
    if kind in _SAME:
        return {"type": negation + kind, "value": value}
    if kind not in _OF_TOOLS:
        raise NotTranslatable("it is not known there")
    name, make = _OF_TOOLS[kind]
    return {"type": negation + name, "value": make(value, negation)}


def _tools_used(value: Any, negation: str) -> Any:
    if negation and isinstance(value, list) and len(value) > 1:
        raise NotTranslatable("there, it stands for none of them")
    return value


def _sequence(value: Any, negation: str) -> Any:
    if value.get("mode", "strict") != "strict":
        raise NotTranslatable(f"the mode {value['mode']} is not known there")
    return {"mode": "exact", "steps": value["tools"]}


_OF_TOOLS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "tool-called": ("trajectory:tool-used", _tools_used),
    "tool-args-match": (
        "trajectory:tool-args-match",
        lambda value, _: {"name": value["tool"], "args": dict(value["arguments"])},
    ),
    "tool-sequence": ("trajectory:tool-sequence", _sequence),
    "tool-count-max": ("trajectory:step-count", lambda value, _: {"type": "tool", "max": value}),
}


def _is_read(value: Any) -> bool:
    """Return whether promptfoo reads a file, or runs it, where it finds a text of this value."""
    match value:
        case str():
            return value.lower().startswith(_FILES)
        case list():
            return any(map(_is_read, value))
        case Mapping():
            return _REFERENCE in value or any(map(_is_read, value.values()))
    return False


def _has_markup(value: Any) -> bool:
    return any(sign in str(value) for sign in ("{{", "{%", "{#"))
