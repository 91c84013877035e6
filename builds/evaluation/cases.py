"""Read a file of cases: what an agent is asked, and what is expected of its answer.

    cases:
      - name: adds                  # optional; unique
        ask: What is 2 + 2?         # or a list: a conversation, whose last answer counts
        repeat: 3                   # optional; the case passes if all of them do
        expect:
          - contains: "4"
          - tool-called: calculator
    judge: {provider: anthropic, model: claude-sonnet-4-5}    # only for the assertion llm-rubric

The shared part of promptfoo's format (`tests` with `vars` and `assert`) is read too; see promptfoo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from configs.documents.problems import DocumentError, Problem
from configs.documents.source import Source, load
from configs.providers import PROVIDERS

from . import promptfoo
from .assertions import NOT, RUBRIC, Assertion, problem_of

MOST_CASES, MOST_REPEATS, MOST_TRIALS = 100, 20, 200
# Answers to judge by a rubric.
MOST_VERDICTS = 200
LONGEST_MODEL = 200
LONGEST_QUESTION, MOST_QUESTIONS, MOST_ASSERTIONS = 8000, 20, 20
_FIELDS = {"name", "ask", "repeat", "expect"}


@dataclass(frozen=True)
class JudgeModel:
    """The model that judges by rubrics, and the code of its provider."""

    provider: str
    model: str


@dataclass(frozen=True)
class Case:
    name: str
    ask: tuple[str, ...]
    expect: tuple[Assertion, ...]
    repeat: int = 1

    @property
    def rubrics(self) -> tuple[str, ...]:
        """What a judge is asked, each once."""
        asked = (each.value for each in self.expect if each.name.removeprefix(NOT) == RUBRIC)
        return tuple(dict.fromkeys(asked))


@dataclass(frozen=True)
class Suite:
    """The cases of a file, and a sentence for each thing in it that has no meaning here."""

    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    # Only if a case has a rubric.
    judge: JudgeModel | None = None

    @property
    def trials(self) -> int:
        return sum(case.repeat for case in self.cases)

    def only(self, names: Collection[str]) -> Suite:
        """Return the cases of these names, all without any; raises DocumentError for an unknown one."""
        unknown = sorted(set(names) - {case.name for case in self.cases})
        if unknown:
            raise DocumentError([Problem("cases", f"no case is called “{name}”") for name in unknown])
        chosen = tuple(case for case in self.cases if not names or case.name in names)
        judge = self.judge if any(case.rubrics for case in chosen) else None
        return replace(self, cases=chosen, judge=judge)


def read(text: str) -> Suite:
    """Return the cases of a file. Raises DocumentError with every problem, each with its line."""
    source = load(text)
    notes: tuple[str, ...] = ()
    if "tests" in source.entries:
        source, notes = promptfoo.translate(source)
    problems = list(_problems(source))
    if problems:
        raise DocumentError(problems)
    listed = source.entries["cases"]
    found = tuple(_case(number, entry) for number, entry in enumerate(listed, 1))
    verdicts = sum(len(case.rubrics) * case.repeat for case in found)
    named = source.entries.get("judge")
    judge = JudgeModel(**named) if verdicts and named else None
    suite = Suite(found, notes, judge)
    if problem := _problem_of_all(suite, verdicts):
        raise DocumentError([problem])
    return suite


def _problem_of_all(suite: Suite, verdicts: int) -> Problem | None:
    if suite.trials > MOST_TRIALS:
        return Problem("cases", f"these are {suite.trials} trials; at most {MOST_TRIALS} run")
    if verdicts and suite.judge is None:
        return Problem("judge", f"{RUBRIC} needs one, like judge: {{provider: openai, model: gpt-5-mini}}")
    if verdicts > MOST_VERDICTS:
        return Problem("cases", f"a judge would be asked {verdicts} times; at most {MOST_VERDICTS}")
    return None


def _case(number: int, entry: Mapping[str, Any]) -> Case:
    ask = entry["ask"]
    return Case(
        name=str(entry.get("name") or f"Case {number}"),
        ask=(ask,) if isinstance(ask, str) else tuple(ask),
        expect=tuple(Assertion(name, value) for each in entry["expect"] for name, value in each.items()),
        repeat=entry.get("repeat", 1),
    )


def _problems(source: Source) -> Iterator[Problem]:
    for name in source.entries:
        if name not in ("cases", "judge"):
            yield Problem(
                str(name), "this is not known; a file has cases, and perhaps judge", source.line(str(name))
            )
    if message := _problem_of_judge(source.entries.get("judge")):
        yield Problem("judge", message, source.line("judge"))
    cases = source.entries.get("cases")
    if not isinstance(cases, list) or not 1 <= len(cases) <= MOST_CASES:
        yield Problem("cases", f"this is a list of 1 to {MOST_CASES} cases", source.line("cases"))
        return
    seen: set[str] = set()
    for index, entry in enumerate(cases):
        path = f"cases.{index + 1}"
        for place, message in _problems_of(entry):
            where = f"{path}.{place}" if place else path
            yield Problem(where, message, source.line(f"cases.{index}"))
        name = str(entry.get("name") or f"Case {index + 1}") if isinstance(entry, Mapping) else ""
        if name and name in seen:
            yield Problem(f"{path}.name", f"another case is called “{name}”", source.line(f"cases.{index}"))
        seen.add(name)


def _problem_of_judge(judge: object) -> str:
    if judge is None:
        return ""
    if not isinstance(judge, Mapping) or set(judge) != {"provider", "model"}:
        return "this names provider and model"
    if judge["provider"] not in PROVIDERS:
        return f"the provider is one of {', '.join(PROVIDERS)}"
    model = judge["model"]
    return "" if isinstance(model, str) and 0 < len(model) <= LONGEST_MODEL else "the model is a name"


def _problems_of(entry: object) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a case: the field, and a message."""
    if not isinstance(entry, Mapping):
        yield "", "this is not a case, like {ask: Hello, expect: [{contains: hello}]}"
        return
    for name in entry:
        if name not in _FIELDS:
            yield str(name), f"this is not known; a case has {', '.join(sorted(_FIELDS))}"
    name = entry.get("name", "")
    if not isinstance(name, str) or len(name) > 100:
        yield "name", "this is a text of at most 100 characters"
    ask = entry.get("ask")
    questions = [ask] if isinstance(ask, str) else ask
    if not isinstance(questions, list) or not 1 <= len(questions) <= MOST_QUESTIONS:
        yield "ask", f"this is a question, or a list of 1 to {MOST_QUESTIONS}"
    elif not all(isinstance(each, str) and 0 < len(each.strip()) <= LONGEST_QUESTION for each in questions):
        yield "ask", f"a question is a text of 1 to {LONGEST_QUESTION:,} characters"
    repeat = entry.get("repeat", 1)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or not 1 <= repeat <= MOST_REPEATS:
        yield "repeat", f"this is a whole number from 1 to {MOST_REPEATS}"
    yield from _problems_of_expectations(entry.get("expect"))


def _problems_of_expectations(expect: object) -> Iterator[tuple[str, str]]:
    if not isinstance(expect, list) or not 1 <= len(expect) <= MOST_ASSERTIONS:
        yield "expect", f"this is a list of 1 to {MOST_ASSERTIONS} assertions, like - contains: hello"
        return
    for number, each in enumerate(expect, 1):
        if not isinstance(each, Mapping) or len(each) != 1:
            yield f"expect.{number}", "this is one assertion, like contains: hello"
            continue
        [(name, value)] = each.items()
        if problem := problem_of(name, value):
            yield f"expect.{number}", problem
