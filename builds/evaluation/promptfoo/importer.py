"""Read promptfoo's `prompts` and `tests` as cases; what has no meaning here is named, with its place.

Taken: the first prompt that can be asked, `tests` and `defaultTest` with `description`, `vars` and `assert`,
`evaluateOptions.repeat`. A list of values of a variable stands for a test with each of them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from configs.documents.problems import DocumentError, Problem
from configs.documents.source import Source
from configs.providers import PROVIDERS

from .assertions import translate as translated_assertion
from .rendering import NotTranslatable, as_text, check_is_here, rendered

_READ = {"tests", "prompts", "defaultTest", "description", "evaluateOptions"}
_READ_OF_TEST = {"description", "vars", "assert"}
_LONGEST_NAME = 90
# A few variables with a few values each are many tests; a file with more is refused as a whole.
_MOST_CASES = 100


@dataclass
class _Reading:
    """A file that is read: what was left out, and whether it names a judge."""

    source: Source
    has_judge: bool = False
    texts: list[str] = field(default_factory=list)

    def add(self, place: tuple[str | int, ...], message: str) -> None:
        """Note what was left out; `place` has the positions in lists from 0, and people read them from 1."""
        line = self.source.line(".".join(map(str, place)))
        shown = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
        self.texts.append(str(Problem(shown, message, line)))


def translate(source: Source) -> tuple[Source, tuple[str, ...]]:
    """Return a file of cases, and a note for each thing that was left out.

    Raises DocumentError if no case is left.
    """
    entries, reading = source.entries, _Reading(source)
    for name in entries:
        if name not in _READ:
            reading.add((str(name),), "was left out")
    tests = entries["tests"]
    if not isinstance(tests, list):
        raise DocumentError([Problem("tests", "this is a list of tests, written here", source.line("tests"))])
    shared = _shared(entries.get("defaultTest"), reading)
    judge = _judge(shared.get("options"), reading)
    reading.has_judge = bool(judge)
    prompt, repeat = (
        _prompt(entries.get("prompts"), reading),
        _repeat(entries.get("evaluateOptions"), reading),
    )
    cases: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    for index, test in enumerate(tests):
        if len(cases) > _MOST_CASES:
            break
        for case in _cases(index, test, prompt, shared, reading):
            if line := source.line(f"tests.{index}"):
                lines[f"cases.{len(cases)}"] = line
            cases.append(case | repeat)
    if not cases:
        problem = Problem("tests", "none of them can be asked here", source.line("tests"))
        raise DocumentError([problem, *(Problem("", note) for note in reading.texts)])
    _name(cases)
    return Source({"cases": cases, **judge}, lines), tuple(dict.fromkeys(reading.texts))


def _shared(value: Any, reading: _Reading) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        for name in value:
            if name not in {*_READ_OF_TEST, "options"}:
                reading.add(("defaultTest", str(name)), "was left out")
        return value
    if value:
        reading.add(("defaultTest",), "was left out: it is not written here")
    return {}


def _judge(options: Any, reading: _Reading) -> dict[str, Any]:
    """Return the judge that `options.provider` names as `provider:model`; nothing without one."""
    for name in _mapping(options):
        if name != "provider":
            reading.add(("defaultTest", "options", str(name)), "was left out")
    provider = _mapping(options).get("provider")
    if provider is None:
        return {}
    code, _, model = provider.partition(":") if isinstance(provider, str) else ("", "", "")
    if code not in PROVIDERS or not model:
        reading.add(("defaultTest", "options", "provider"), "was left out: it is no provider:model of here")
        return {}
    # Between them may stand the protocol: openai:chat:gpt-5-mini.
    return {"judge": {"provider": code, "model": model.rpartition(":")[2]}}


def _repeat(value: Any, reading: _Reading) -> dict[str, Any]:
    options = value if isinstance(value, Mapping) else {}
    for name in options:
        if name != "repeat":
            reading.add(("evaluateOptions", str(name)), "was left out")
    return {"repeat": options["repeat"]} if "repeat" in options else {}


def _prompt(value: Any, reading: _Reading) -> list[str] | None:
    """Return the questions of the first prompt that can be asked; None without any."""
    prompts = value if isinstance(value, list) else [value] if value else []
    questions: list[str] | None = None
    for index, prompt in enumerate(prompts):
        place: tuple[str | int, ...] = ("prompts", index)
        if questions is not None:
            reading.add(place, "was left out: only one prompt is asked")
            continue
        text = prompt.get("raw", prompt.get("id")) if isinstance(prompt, Mapping) else prompt
        try:
            check_is_here(text)
            questions = _questions(text, place, reading)
        except NotTranslatable as reason:
            reading.add(place, f"was left out: {reason}")
    if prompts and questions is None:
        raise DocumentError(
            [Problem("prompts", "none of them is written here", reading.source.line("prompts"))]
        )
    return questions


def _questions(text: Any, place: tuple[str | int, ...], reading: _Reading) -> list[str]:
    """Return what a person says in a prompt, which may be a chat as JSON."""
    if not isinstance(text, str) or not text.strip():
        raise NotTranslatable("it is not a text")
    try:
        chat = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    if not isinstance(chat, list) or not all(isinstance(message, Mapping) for message in chat):
        return [text]
    questions = [message.get("content") for message in chat if message.get("role") == "user"]
    if not questions or not all(isinstance(each, str) for each in questions):
        raise NotTranslatable("no question is in it")
    if others := sorted({str(message.get("role")) for message in chat} - {"user"}):
        reading.add(place, f"its messages of {', '.join(others)} were left out: the agent has its own")
    return [str(each) for each in questions]


def _cases(
    index: int, test: Any, prompt: list[str] | None, shared: Mapping[str, Any], reading: _Reading
) -> Iterator[dict[str, Any]]:
    place = ("tests", index)
    if not isinstance(test, Mapping):
        reading.add(place, "was left out: it is not written here")
        return
    for name in test:
        if name not in _READ_OF_TEST:
            reading.add((*place, str(name)), "was left out")
    try:
        for variables in _combinations({**_mapping(shared.get("vars")), **_mapping(test.get("vars"))}):
            expect = [
                *_expectations(("defaultTest",), shared, variables, reading),
                *_expectations(place, test, variables, reading),
            ]
            if not expect:
                raise NotTranslatable("no assertion is left")
            name = as_text(rendered(test.get("description", ""), variables))
            yield {"name": name, "ask": _ask(prompt, variables), "expect": expect}
    except NotTranslatable as reason:
        reading.add(place, f"was left out: {reason}")


def _combinations(variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the variables of each test that lists of values stand for."""
    values = [each if isinstance(each, list) else [each] for each in variables.values()]
    for chosen in itertools.islice(itertools.product(*values), _MOST_CASES + 1):
        yield dict(zip(variables, chosen, strict=True))


def _ask(prompt: list[str] | None, variables: Mapping[str, Any]) -> str | list[str]:
    if prompt is None:
        # Promptfoo's own prompt, if none is written.
        prompt = (
            ["{{prompt}}"] if "prompt" in variables or not variables else [f"{{{{{next(iter(variables))}}}}}"]
        )
    questions = [str(rendered(each, variables)) for each in prompt]
    return questions[0] if len(questions) == 1 else questions


def _expectations(
    place: tuple[str | int, ...], test: Mapping[str, Any], variables: Mapping[str, Any], reading: _Reading
) -> Iterator[dict[str, Any]]:
    listed = test.get("assert")
    for where, entry in _flat((*place, "assert"), listed if isinstance(listed, list) else []):
        try:
            assertions, left_out = translated_assertion(entry, variables, has_judge=reading.has_judge)
        except NotTranslatable as reason:
            reading.add(where, f"was left out: {reason}")
            continue
        for message in left_out:
            reading.add(where, message)
        yield from assertions


def _flat(place: tuple[str | int, ...], listed: list[Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield assertions with their places, those of a set that must hold together one by one."""
    for index, entry in enumerate(listed):
        kind, parts = _mapping(entry).get("type"), _mapping(entry).get("assert")
        if kind == "assert-set" and isinstance(parts, list) and "threshold" not in entry:
            yield from _flat((*place, index, "assert"), parts)
        else:
            yield (*place, index), entry


def _name(cases: list[dict[str, Any]]) -> None:
    """Give each case a name of its own."""
    taken: set[str] = set()
    for number, case in enumerate(cases, 1):
        given = " ".join(case["name"].split())[:_LONGEST_NAME] or f"Case {number}"
        names = itertools.chain([given], (f"{given} ({count})" for count in itertools.count(2)))
        case["name"] = next(name for name in names if name not in taken)
        taken.add(case["name"])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
