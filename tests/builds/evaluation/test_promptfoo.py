"""Promptfoo's files: what they share with ours is asked, and the rest is named with its place."""

from __future__ import annotations

import json

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from builds.evaluation import cases, promptfoo
from builds.evaluation.assertions import Assertion
from builds.models import Evaluation
from configs.documents.problems import DocumentError
from configs.documents.source import load
from configs.models import AgentConfig

FILE = """\
description: Translations
providers: [openai:gpt-5]
prompts:
  - file://prompt.txt
  - Translate {{ text }} to {{language}}.
  - other
defaultTest:
  options: {provider: "openai:chat:gpt-5-mini", prefix: x}
  assert: [{type: latency, threshold: 2500}]
evaluateOptions: {repeat: 2, maxConcurrency: 4}
tests:
  - description: greets in {{language}}
    vars: {text: Hello, language: [French, Spanish]}
    threshold: 0.5
    assert:
      - {type: icontains-any, value: "bonjour, hola"}
      - {type: not-contains, value: "{{ text }}", weight: 2}
      - type: assert-set
        assert:
          - {type: regex, value: "^[A-Z]"}
          - {type: javascript, value: output.length > 3}
  - vars: {text: "{{ env.SECRET }}", language: French}
    assert: [{type: contains, value: x}]
  - vars: {text: Bye, language: "{% raw %}"}
    assert: [{type: contains, value: x}]
  - file://more.yaml
  - vars: {text: Bye, language: Finnish}
    assert: [{type: is-sql}]
"""


def test_what_is_shared_is_asked_and_the_rest_is_named_with_its_line() -> None:
    suite = cases.read(FILE)
    assert [(case.name, case.ask, case.repeat) for case in suite.cases] == [
        ("greets in French", ("Translate Hello to French.",), 2),
        ("greets in Spanish", ("Translate Hello to Spanish.",), 2),
        ("Case 3", ("Translate Bye to Finnish.",), 2),
    ]
    assert suite.cases[0].expect == (
        Assertion("latency", 2.5),
        Assertion("icontains-any", ["bonjour", "hola"]),
        Assertion("not-contains", "Hello"),
        Assertion("regex", "^[A-Z]"),
    )
    assert suite.notes == (
        "line 2, providers: was left out",
        "line 8, defaultTest.options.prefix: was left out",
        "line 4, prompts.1: was left out: “file://prompt.txt” is read or run elsewhere",
        "line 6, prompts.3: was left out: only one prompt is asked",
        "line 10, evaluateOptions.maxConcurrency: was left out",
        "line 14, tests.1.threshold: was left out",
        "line 17, tests.1.assert.2: its weight was left out",
        "line 21, tests.1.assert.3.assert.2: was left out: the assertion “javascript” is not known here",
        "line 22, tests.2: was left out: the variable “text” holds more than text",
        "line 24, tests.3: was left out: the variable “language” holds more than text",
        "line 26, tests.4: was left out: it is not written here",
        "line 28, tests.5.assert.1: was left out: the assertion “is-sql” is not known here",
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{type: equals, value: 4}", {"equals": "4"}),
        ("{type: contains-all, value: [a, 1]}", {"contains-all": ["a", "1"]}),
        ("{type: is-json}", {"is-json": True}),
        ("{type: cost, threshold: 0.01}", {"cost": 0.01}),
        ("{type: finish-reason, value: length}", {"finish-reason": "length"}),
        ("{type: 'trajectory:tool-used', value: [a, b]}", {"tool-called": ["a", "b"]}),
        ("{type: 'trajectory:tool-used', value: {name: a}}", {"tool-called": "a"}),
        (
            "{type: 'trajectory:tool-args-match', value: {name: a, args: {b: 1}}}",
            {"tool-args-match": {"tool": "a", "arguments": {"b": 1}}},
        ),
        (
            "{type: 'trajectory:tool-sequence', value: {mode: exact, steps: [a, {name: b}]}}",
            {"tool-sequence": {"mode": "strict", "tools": ["a", "b"]}},
        ),
        ("{type: 'trajectory:step-count', value: {type: tool, max: 2}}", {"tool-count-max": 2}),
    ],
)
def test_an_assertion_has_the_name_that_it_has_here(entry: str, expected: dict[str, object]) -> None:
    [case] = cases.read(f"tests: [{{vars: {{prompt: Hello}}, assert: [{entry}]}}]").cases
    assert [{each.name: each.value} for each in case.expect] == [expected]
    assert case.ask == ("Hello",)


def test_none_of_several_tools_may_be_called() -> None:
    text = "tests: [{vars: {q: Hello}, assert: [{type: 'not-trajectory:tool-used', value: [a, b]}]}]"
    [case] = cases.read(text).cases
    assert case.expect == (Assertion("not-tool-called", "a"), Assertion("not-tool-called", "b"))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{type: equals, value: {a: 1}}", "equals takes a text here"),
        ("{type: contains}", "contains takes a text here"),
        ("{type: contains, value: 'file://x.txt'}", "is read or run elsewhere"),
        ("{type: contains, value: '{{ q | upper }}'}", "is more than a variable"),
        ("{type: contains, value: '{{ q'}", "is more than a variable"),
        ("{type: contains, value: '{{ other }}'}", "the variable “other” has no value"),
        ("{type: contains, value: a, transform: output.x}", "contains has transform"),
        ("{type: contains, value: a, weight: 0}", "counts for nothing"),
        ("{type: latency}", "latency has no threshold"),
        ("{type: regex, value: '('}", "regex is no pattern"),
        ("{type: finish-reason, value: tool_calls}", "never ends with “tool_calls”"),
        ("{type: 'trajectory:tool-used', value: 'a*'}", "is a pattern"),
        ("{type: 'trajectory:tool-used', value: {name: a, max: 2}}", "how often"),
        ("{type: 'trajectory:tool-sequence', value: [a, b]}", "use mode exact"),
        ("{type: 'trajectory:tool-args-match', value: {name: a, args: {}, mode: exact}}", "mode partial"),
        ("{type: 'trajectory:goal-success', value: x}", "“trajectory:goal-success” is not known here"),
        ("[a]", "this is not an assertion"),
    ],
)
def test_what_would_say_something_else_is_left_out(entry: str, reason: str) -> None:
    text = f"tests:\n  - vars: {{q: Hello}}\n    assert: [{{type: is-json, value: {{}}}}, {entry}]\n"
    suite = cases.read(text)
    assert suite.cases[0].expect == (Assertion("is-json", True),)
    schema, note = suite.notes
    assert schema.startswith("line 3, tests.1.assert.1: its schema was left out")
    assert note.startswith("line 3, tests.1.assert.2: was left out: ")
    assert reason in note


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        ("{}", "tests.1.assert.2: was left out: defaultTest.options.provider names no judge"),
        ("{provider: 'elsewhere:x'}", "options.provider: was left out: it is no provider:model of here"),
        ("{provider: 'openai:gpt-5-mini'}", "tests.1.assert.3: was left out: a judge says here"),
    ],
)
def test_a_rubric_needs_a_judge_that_is_known_here(provider: str, reason: str) -> None:
    suite = cases.read(
        f"defaultTest: {{options: {provider}}}\n"
        "tests:\n"
        "  - vars: {q: Hello}\n"
        "    assert:\n"
        "      - {type: is-json}\n"
        "      - {type: llm-rubric, value: is polite}\n"
        "      - {type: llm-rubric, value: is polite, threshold: 0.5}\n"
    )
    assert reason in "\n".join(suite.notes)
    assert (suite.judge is not None) == (Assertion("llm-rubric", "is polite") in suite.cases[0].expect)


def test_a_chat_is_asked_by_what_the_person_says_in_it() -> None:
    said = [("system", "Be brief."), ("user", "{{q}}?"), ("user", "Why?")]
    chat = json.dumps([{"role": role, "content": content} for role, content in said])
    text = yaml.safe_dump(
        {"prompts": [{"raw": chat}], "tests": [{"vars": {"q": "What"}, "assert": [{"type": "is-json"}]}]}
    )
    suite = cases.read(text)
    assert suite.cases[0].ask == ("What?", "Why?")
    assert "its messages of system were left out" in suite.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: file://tests.csv", "line 1, tests: this is a list of tests, written here"),
        ("prompts: [file://p.txt]\ntests: [{assert: [{type: is-json}]}]", "line 1, prompts: none of them"),
        ("tests: [{vars: {q: a}, assert: [{type: is-sql}]}]", "tests.1: was left out: no assertion is left"),
        (
            "tests:\n  - {vars: {q: ''}, assert: [{type: is-json}]}",
            "line 2, cases.1.ask: a question is a text",
        ),
        (
            "tests: [{vars: {a: [1,2,3,4,5], b: [1,2,3,4,5], c: [1,2,3,4,5]}, assert: [{type: is-json}]}]",
            "a list of 1 to 100 cases",
        ),
    ],
)
def test_a_file_that_leaves_nothing_to_ask_is_refused(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as refused:
        cases.read(text)
    assert message in str(refused.value)


def test_a_short_file_does_not_become_a_huge_one() -> None:
    values = ", ".join(map(str, range(200)))
    expect = "assert: [{type: is-json}]"
    file = load(
        f"tests:\n  - {{vars: {{q: [{values}]}}, {expect}}}\n  - {{vars: {{q: [{values}]}}, {expect}}}\n"
    )
    read, _ = promptfoo.translate(file)
    assert len(read.entries["cases"]) == cases.MOST_CASES + 1
    long = "x" * 10_000
    expect = "assert: [{type: is-json}, {type: contains, value: '{{q}}{{q}}{{q}}'}]"
    suite = cases.read(f"prompts: [Hello]\ntests: [{{vars: {{q: {long}}}, {expect}}}]")
    assert len(suite.cases[0].expect) == 1
    assert "its variables are longer than 20,000 characters together" in suite.notes[0]


OURS = """\
judge: {provider: openai, model: gpt-5-mini}
cases:
  - name: adds
    ask: What is 2 + 2?
    repeat: 3
    expect:
      - contains: "4"
      - not-icontains-any: [sorry, cannot]
      - latency: 1.5
      - cost: 0.01
      - is-json: true
      - tool-called: [calculator, clock]
      - tool-args-match: {tool: calculator, arguments: {expression: 2+2}}
      - tool-sequence: {mode: strict, tools: [calculator, clock]}
      - tool-count-max: 2
      - finish-reason: stop
      - llm-rubric: gives a number and nothing else
"""


def test_cases_come_back_as_they_were() -> None:
    suite = cases.read(OURS)
    assert cases.read(promptfoo.export(suite)) == suite


def test_what_promptfoo_can_not_say_is_a_comment() -> None:
    text = (
        "cases:\n"
        "  - {name: a, ask: [x, y], expect: [{contains: b}]}\n"
        "  - name: b\n"
        "    ask: x\n"
        "    repeat: 2\n"
        "    expect:\n"
        "      - tokens: 5\n"
        "      - regex: (?i)x\n"
        "      - tool-sequence: {mode: subset, tools: [a]}\n"
        "      - contains: '{{x}}'\n"
        "      - contains: y\n"
    )
    written = promptfoo.export(cases.read(text))
    comments = [line for line in written.splitlines() if line.startswith("#")][1:]
    assert comments == [
        "# a was left out: it asks several questions.",
        "# b: tokens was left out: it is not known there.",
        "# b: regex was left out: flags inside of a pattern are not known there.",
        "# b: tool-sequence was left out: the mode subset is not known there.",
        "# b: contains was left out: its braces would be a variable there.",
        "# Each test is repeated 2 times: there is one number for all.",
    ]
    [case] = cases.read(written).cases
    assert case.expect == (Assertion("contains", "y"),)


@pytest.mark.django_db
def test_no_file_is_named_to_promptfoo(browser: Client, agent: AgentConfig) -> None:
    text = (
        "cases:\n"
        "  - {name: a, ask: 'file:///etc/passwd', expect: [{contains: x}]}\n"
        "  - {name: b, ask: 'package:p:f', expect: [{contains: x}]}\n"
        "  - {name: c, ask: x, expect: [{contains: 'file://c.js'}]}\n"
        "  - name: d\n"
        "    ask: Is file:///etc/passwd secret?\n"
        "    expect:\n"
        "      - contains: 'Package:p:f'\n"
        "      - contains-any: [x, 'file://d.py']\n"
        "      - tool-args-match: {tool: fetch, arguments: {url: 'file://d'}}\n"
        "      - tool-args-match: {tool: fetch, arguments: {body: {$ref: d.yaml}}}\n"
        "      - contains: 'a file://'\n"
    )
    browser.post(reverse("builds:evaluation", args=[agent.pk]), {"cases": text})
    written = browser.get(reverse("builds:evaluation_promptfoo", args=[agent.pk])).content.decode()
    content = "".join(line for line in written.splitlines(keepends=True) if not line.startswith("#"))
    assert [test["vars"]["question"] for test in yaml.safe_load(content)["tests"]] == [
        "Is file:///etc/passwd secret?"
    ]
    assert yaml.safe_load(content)["tests"][0]["assert"] == [{"type": "contains", "value": "a file://"}]
    assert [line for line in written.splitlines() if line.startswith("#")][1:] == [
        "# a was left out: there, its question would be read from a file.",
        "# b was left out: there, its question would be read from a file.",
        "# c: contains was left out: there, it would be read from a file.",
        "# c was left out: it can't be asked there.",
        "# d: contains was left out: there, it would be read from a file.",
        "# d: contains-any was left out: there, it would be read from a file.",
        "# d: tool-args-match was left out: there, it would be read from a file.",
        "# d: tool-args-match was left out: there, it would be read from a file.",
    ]


@pytest.mark.django_db
def test_the_page_takes_and_gives_such_files(browser: Client, agent: AgentConfig) -> None:
    url = reverse("builds:evaluation", args=[agent.pk])
    page = browser.post(url, {"cases": FILE}, follow=True).content.decode()
    assert "line 2, providers: was left out" in page
    assert reverse("builds:evaluation_promptfoo", args=[agent.pk]) in page
    answer = browser.get(reverse("builds:evaluation_promptfoo", args=[agent.pk]))
    assert (
        answer.headers["Content-Type"],
        "ada-promptfoo.yaml" in answer.headers["Content-Disposition"],
    ) == (
        "application/yaml",
        True,
    )
    assert "greets in Spanish" in answer.content.decode()
    # Cases of an older forge, which this one does not take.
    Evaluation.objects.update(cases="cases: []")
    page = browser.get(reverse("builds:evaluation_promptfoo", args=[agent.pk]), follow=True).content.decode()
    assert "The cases are not valid any more" in page
