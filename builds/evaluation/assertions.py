"""The assertions on an answer, by the names that the field uses (promptfoo's, where it has one).

Each kind has a shape, which a value in a file must have, and a check, which returns why an answer does not
hold, or nothing. `not-` before a kind asks for the opposite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from . import shapes
from .outcome import Outcome

Check = Callable[[Any, Outcome], str]
# Returns what is wrong with a value, or nothing.
Shape = Callable[[Any], str]
# Somebody's pattern on a model's text could take forever.
PATTERN_SECONDS = 1.0
_LONGEST_QUOTE = 120
NOT, RUBRIC = "not-", "llm-rubric"


class CannotTellError(Exception):
    """Nobody knows whether an assertion holds, nor whether its opposite does; the message says why."""


@dataclass(frozen=True)
class Kind:
    """What may be asserted; `text` says it to those who write cases."""

    shape: Shape
    check: Check
    text: str


@dataclass(frozen=True)
class Assertion:
    """One expectation; `name` is its kind, with `not-` before it if it is negated."""

    name: str
    value: Any

    def failure(self, outcome: Outcome) -> str:
        """Return why an answer does not hold, or nothing. One that did not come never holds."""
        if outcome.error:
            return outcome.error
        try:
            reason = KINDS[self.name.removeprefix(NOT)].check(self.value, outcome)
        except CannotTellError as unknown:
            return str(unknown)
        if not self.name.startswith(NOT):
            return reason
        return "" if reason else f"{self.name} {_quoted(self.value)}: it is so"


def problem_of(name: object, value: Any) -> str:
    """Return what is wrong with an assertion in a file, or nothing."""
    kind = KINDS.get(str(name).removeprefix(NOT))
    if kind is None:
        return f"“{name}” is not an assertion; use one of {', '.join(KINDS)}"
    wrong = kind.shape(value)
    return f"{name} {wrong}" if wrong else ""


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"“{text[:_LONGEST_QUOTE]}{'…' if len(text) > _LONGEST_QUOTE else ''}”"


def _equals(value: str, outcome: Outcome) -> str:
    return "" if outcome.text.strip() == value.strip() else f"the answer is not {_quoted(value)}"


def _missing(values: Iterable[str], outcome: Outcome, *, fold: bool = False) -> list[str]:
    text = outcome.text.casefold() if fold else outcome.text
    return [value for value in values if (value.casefold() if fold else value) not in text]


def _contains(value: str, outcome: Outcome) -> str:
    return f"the answer does not contain {_quoted(value)}" if _missing([value], outcome) else ""


def _icontains(value: str, outcome: Outcome) -> str:
    lacks = _missing([value], outcome, fold=True)
    return f"the answer does not contain {_quoted(value)}, in any case of letters" if lacks else ""


def _any_of(*, fold: bool = False) -> Check:
    def check(value: list[str], outcome: Outcome) -> str:
        lacks_all = len(_missing(value, outcome, fold=fold)) == len(value)
        return f"the answer contains none of {_quoted(value)}" if lacks_all else ""

    return check


def _all_of(*, fold: bool = False) -> Check:
    def check(value: list[str], outcome: Outcome) -> str:
        lacks = _missing(value, outcome, fold=fold)
        return f"the answer does not contain {_quoted(lacks)}" if lacks else ""

    return check


def _starts_with(value: str, outcome: Outcome) -> str:
    return (
        "" if outcome.text.lstrip().startswith(value) else f"the answer does not start with {_quoted(value)}"
    )


def _regex(value: str, outcome: Outcome) -> str:
    try:
        found = regex.search(value, outcome.text, timeout=PATTERN_SECONDS, concurrent=True)
    except TimeoutError:
        return f"the pattern {_quoted(value)} took longer than {PATTERN_SECONDS:.0f} s"
    return "" if found else f"the pattern {_quoted(value)} is not in the answer"


def _is_json(value: bool, outcome: Outcome) -> str:
    try:
        json.loads(outcome.text)
    except (ValueError, RecursionError):
        return "the answer is not JSON"
    return ""


def _tool_called(value: str | list[str], outcome: Outcome) -> str:
    names = [value] if isinstance(value, str) else value
    lacks = [name for name in names if name not in outcome.tools]
    return f"{', '.join(lacks)} was not called" if lacks else ""


def _tool_args_match(value: Mapping[str, Any], outcome: Outcome) -> str:
    wanted = value["arguments"]
    for call in outcome.calls:
        if call.name == value["tool"] and all(
            name in call.arguments and call.arguments[name] == expected for name, expected in wanted.items()
        ):
            return ""
    return f"{value['tool']} was not called with {_quoted(wanted)}"


def _tool_sequence(value: Mapping[str, Any], outcome: Outcome) -> str:
    mode, wanted, called = value.get("mode", shapes.SEQUENCES[0]), list(value["tools"]), outcome.tools
    holds = {
        "strict": called == wanted,
        "unordered": sorted(called) == sorted(wanted),
        "subset": set(called) <= set(wanted),
        "superset": set(called) >= set(wanted),
    }[mode]
    return "" if holds else f"the tools called were {_quoted(called)}, not {_quoted(wanted)} ({mode})"


def _at_most(what: str, measure: Callable[[Outcome], float]) -> Check:
    def check(value: float, outcome: Outcome) -> str:
        measured = measure(outcome)
        return "" if measured <= value else f"{measured:g} {what}, more than {value:g}"

    return check


def _cost(value: float, outcome: Outcome) -> str:
    if outcome.dollars is None:
        raise CannotTellError(
            "what the answer cost is not known: its model has no price in the list of prices"
        )
    return "" if outcome.dollars <= value else f"the answer cost ${outcome.dollars:g}, more than ${value:g}"


def _cites(value: str | list[str], outcome: Outcome) -> str:
    names = [value] if isinstance(value, str) else value
    lacks = [name for name in names if name not in outcome.cited]
    return f"{', '.join(lacks)} is not cited with a place that exists" if lacks else ""


def _finish_reason(value: str, outcome: Outcome) -> str:
    return "" if outcome.finish == value else f"the answer ended with {_quoted(outcome.finish)}"


def _llm_rubric(value: str, outcome: Outcome) -> str:
    verdict = outcome.verdicts.get(value)
    if verdict is None or verdict.error:
        raise CannotTellError(verdict.error if verdict else "no judge was asked")
    return "" if verdict.passed else f"the judge says that {_quoted(value)} does not hold: {verdict.reason}"


KINDS: dict[str, Kind] = {
    "equals": Kind(shapes.is_text, _equals, "the whole answer"),
    "contains": Kind(shapes.is_text, _contains, "a text in the answer"),
    "icontains": Kind(shapes.is_text, _icontains, "the same, in any case of letters"),
    "contains-any": Kind(shapes.is_texts, _any_of(), "one of a list of texts"),
    "contains-all": Kind(shapes.is_texts, _all_of(), "each of a list of texts"),
    "icontains-any": Kind(shapes.is_texts, _any_of(fold=True), "one of them, in any case of letters"),
    "icontains-all": Kind(shapes.is_texts, _all_of(fold=True), "each of them, in any case of letters"),
    "starts-with": Kind(shapes.is_text, _starts_with, "how the answer begins"),
    "regex": Kind(shapes.is_pattern, _regex, "a pattern in the answer"),
    "is-json": Kind(shapes.is_flag, _is_json, "true: the answer is JSON"),
    "tool-called": Kind(shapes.is_word_list, _tool_called, "a tool, or several, that were called"),
    "tool-args-match": Kind(shapes.is_arguments, _tool_args_match, "a call of tool with these arguments"),
    "tool-sequence": Kind(
        shapes.is_sequence, _tool_sequence, "tools in mode strict, unordered, subset or superset"
    ),
    "tool-count-max": Kind(
        shapes.is_number, _at_most("tool calls", lambda outcome: len(outcome.calls)), "calls of tools at most"
    ),
    "latency": Kind(shapes.is_number, _at_most("s", lambda outcome: outcome.seconds), "seconds at most"),
    "tokens": Kind(
        shapes.is_number, _at_most("tokens", lambda outcome: outcome.tokens), "tokens at most, in and out"
    ),
    "cost": Kind(shapes.is_number, _cost, "dollars at most, by the list of prices"),
    "cites": Kind(shapes.is_word_list, _cites, "files that the answer cites with a place in them"),
    RUBRIC: Kind(shapes.is_text, _llm_rubric, "what the judge, another model, has to find true"),
    "finish-reason": Kind(shapes.is_text, _finish_reason, "why the answer ended: stop, length, tool_rounds"),
}
