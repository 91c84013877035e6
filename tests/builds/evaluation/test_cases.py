from __future__ import annotations

import pytest

from builds.evaluation import cases
from builds.evaluation.assertions import KINDS, PATTERN_SECONDS, Assertion
from builds.evaluation.outcome import Outcome, ToolCall
from builds.evaluation.statistics import mcnemar, wilson
from configs.documents.problems import DocumentError

SUM = ToolCall("calculator", {"expression": "2+2"})
CLOCK = ToolCall("clock", {})
ANSWER = Outcome("The sum is 4.", (SUM, CLOCK), "stop", 1.5, 120, dollars=0.02, cited=("a.md",))


@pytest.mark.parametrize(
    ("name", "holds", "fails"),
    [
        ("equals", "The sum is 4.", "the sum is 4."),
        ("contains", "sum", "SUM"),
        ("icontains", "SUM", "total"),
        ("contains-any", ["total", "sum"], ["total", "difference"]),
        ("contains-all", ["sum", "4"], ["sum", "5"]),
        ("icontains-any", ["total", "SUM"], ["total", "difference"]),
        ("icontains-all", ["SUM", "4"], ["SUM", "5"]),
        ("starts-with", "The", "Sum"),
        ("regex", r"\b\d\b", r"\d\d"),
        ("tool-called", "clock", ["clock", "fetch"]),
        (
            "tool-args-match",
            {"tool": "calculator", "arguments": {"expression": "2+2"}},
            {"tool": "calculator", "arguments": {"expression": "2+3"}},
        ),
        ("tool-sequence", {"tools": ["calculator", "clock"]}, {"tools": ["clock", "calculator"]}),
        (
            "tool-sequence",
            {"mode": "unordered", "tools": ["clock", "calculator"]},
            {"mode": "subset", "tools": ["clock"]},
        ),
        ("tool-sequence", {"mode": "superset", "tools": ["clock"]}, {"mode": "superset", "tools": ["fetch"]}),
        ("tool-count-max", 2, 1),
        ("latency", 1.5, 1.4),
        ("tokens", 120, 119),
        ("cost", 0.02, 0.01),
        ("cites", "a.md", ["a.md", "b.md"]),
        ("finish-reason", "stop", "length"),
    ],
)
def test_an_assertion_holds_or_says_why_not(name: str, holds: object, fails: object) -> None:
    assert Assertion(name, holds).failure(ANSWER) == ""
    assert Assertion(name, fails).failure(ANSWER)
    assert Assertion(f"not-{name}", holds).failure(ANSWER)
    assert Assertion(f"not-{name}", fails).failure(ANSWER) == ""


def test_a_cost_that_nobody_knows_holds_neither_way() -> None:
    for name in ("cost", "not-cost"):
        assert "is not known" in Assertion(name, 1).failure(Outcome("x"))


def test_json_is_told_from_other_text() -> None:
    assert Assertion("is-json", True).failure(Outcome('{"a": [1]}')) == ""
    assert Assertion("is-json", True).failure(ANSWER) == "the answer is not JSON"
    assert Assertion("is-json", True).failure(Outcome("[" * 100_000))


def test_no_answer_fails_what_asks_for_nothing_too() -> None:
    missing = Outcome(error="The provider refused the key.")
    assert Assertion("not-contains", "x").failure(missing) == "The provider refused the key."


def test_a_pattern_that_takes_forever_fails_in_time() -> None:
    pattern = Assertion("regex", r"(x+x+)+y")
    assert (
        pattern.failure(Outcome("x" * 5000))
        == f"the pattern “(x+x+)+y” took longer than {PATTERN_SECONDS:.0f} s"
    )


def test_a_file_is_read() -> None:
    suite = cases.read(
        "cases:\n"
        "  - ask: Hello\n"
        "    expect: [{contains: hello}]\n"
        "  - name: twice\n"
        "    ask: [Hello, 'And now?']\n"
        "    repeat: 3\n"
        "    expect:\n"
        "      - tool-called: clock\n"
        "      - not-regex: '(?i)sorry'\n"
    )
    assert [(case.name, case.ask, case.repeat) for case in suite.cases] == [
        ("Case 1", ("Hello",), 1),
        ("twice", ("Hello", "And now?"), 3),
    ]
    assert suite.cases[1].expect == (Assertion("tool-called", "clock"), Assertion("not-regex", "(?i)sorry"))
    assert suite.trials == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: []", "line 1, cases: this is a list of 1 to 100 cases"),
        ("case: []", "line 1, case: this is not known; a file has cases"),
        (
            "cases:\n  - ask: a\n  - expect: []\n",
            "line 2, cases.1.expect: this is a list of 1 to 20 assertions",
        ),
        (
            "cases:\n  - ask: a\n    expect: [{like: b}]\n",
            "cases.1.expect.1: “like” is not an assertion; use one of",
        ),
        ("cases:\n  - ask: a\n    expect: [{regex: '('}]\n", "regex is no pattern: missing )"),
        ("cases:\n  - ask: a\n    expect: [{latency: fast}]\n", "latency takes a number"),
        ("cases:\n  - ask: a\n    expect: [{is-json: false}]\n", "takes true"),
        (
            "cases:\n  - ask: ''\n    expect: [{contains: b}]\n",
            "a question is a text of 1 to 8,000 characters",
        ),
        ("cases:\n  - {ask: a, expect: [{contains: b}], repeat: 21}\n", "a whole number from 1 to 20"),
        ("cases:\n  - {ask: a, expect: [{contains: b}], repeat: true}\n", "a whole number from 1 to 20"),
        ("cases:\n  - {ask: a, expect: [{contains: b, equals: c}]}\n", "this is one assertion"),
        ("cases:\n  - {ask: a, expect: [{contains: b}], asks: c}\n", "cases.1.asks: this is not known"),
        (
            "cases:\n" + "  - {name: x, ask: a, expect: [{contains: b}]}\n" * 2,
            "line 3, cases.2.name: another case is called “x”",
        ),
        ("cases:\n" + "  - {ask: a, expect: [{contains: b}], repeat: 20}\n" * 11, "these are 220 trials"),
        ("cases: &a [*a]", "aliases (*name) are not supported"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as refused:
        cases.read(text)
    assert message in str(refused.value)


def test_every_kind_says_what_it_is() -> None:
    assert all(kind.text for kind in KINDS.values())


def test_the_interval_and_the_test_give_published_values() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)
    assert mcnemar(0, 6) == pytest.approx(0.03125)
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 0) == 1.0
