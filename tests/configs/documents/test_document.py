from __future__ import annotations

import json

import pytest
import yaml

from configs.documents import document as documents
from configs.documents.problems import DocumentError
from configs.documents.source import load

GOOD = {
    "schema": 1,
    "identity": {"name": "Ada", "type": "analyst", "version": "1.0.0"},
    "provider": {"code": "openai", "model": "gpt-x"},
    "personality": {"traits": ["curious"], "creativity": 0.25},
    "capabilities": {"memory": {"enabled": False}, "tools": ["clock"]},
}


def problems(text: str) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        documents.parse(text)
    return {problem.path: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump, lambda value: json.dumps(value, indent="\t")])
def test_yaml_and_json_say_the_same(dump: object) -> None:
    values = documents.parse(dump(GOOD)).values  # type: ignore[operator]
    assert (values["name"], values["handle"], values["memory"], values["tools"]) == (
        "Ada",
        "ada",
        False,
        ["clock"],
    )
    assert (values["tone"], values["memory_turns"]) == ("neutral", 10)


def test_escaped_pairs_of_surrogates_are_characters() -> None:
    text = json.dumps({**GOOD, "identity": {"name": "Ada 👩"}})
    assert "\\ud83d" in text
    assert documents.parse(text).values["name"] == "Ada 👩"


def test_every_wrong_field_is_named_with_its_path() -> None:
    text = """
    schema: 2
    colour: red
    identity: {name: 5, versio: 1.0.0, version: 1.0}
    provider: {code: nope, model: [x], base_url: https://example.com}
    personality: {traits: curious, creativity: warm, tone: 7}
    capabilities: {memory: true, tools: [hammer]}
    limits: {tool_rounds: 1.5, seconds: yes, memory_mb: 1}
    """
    result = problems(text)
    assert set(result) == {
        "schema",
        "colour",
        "identity.name",
        "identity.versio",
        "identity.version",
        "provider.code",
        "provider.model",
        "provider.base_url",
        "personality.traits",
        "personality.creativity",
        "personality.tone",
        "capabilities.memory",
        "capabilities.tools",
        "limits.tool_rounds",
        "limits.seconds",
        "limits.memory_mb",
    }
    assert result["identity.name"] == "must be text"
    assert result["capabilities.memory"] == "must contain fields"


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a mapping"),
        ("- 1", "not a mapping"),
        ("{", "line 1"),
        ("a: [", "line 1"),
        ("a: \x00", "this character is not allowed"),
        (BOMB, ": aliases (*name) are not supported"),
        ("[" * 30 + "a" + "]" * 30, "line 1, column 21: the document is nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, ""),
        ("a: 1\na: 2", "line 2, column 1: 'a' appears twice"),
        ("a: &b 1\nc: *b", "line 2, column 4: aliases"),
        ('{"a": 1, "a": 2}', "twice"),
        ("? {a: b}\n: c", "unhashable"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ('!!int ""', "line 1, column 1: this is not a valid int"),
        ("a:\n  b: !!bool x", "line 2, column 6: this is not a valid bool"),
        ("a: !!timestamp x", "line 1, column 4: this is not a valid timestamp"),
        ("a: 2020-99-99", "line 1, column 4: this is not a valid timestamp"),
        ("a: 0x" + "f" * 5000, "line 1, column 4: this is not a valid int"),
        ("? 0x" + "f" * 5000 + "\n: 1", "line 1, column 3: this is not a valid int"),
        ("x" * 600_000, "longer than 512 KB"),
        ("- x\n" * 20_000, "too many entries"),
    ],
)
def test_what_is_no_document(text: str, message: str) -> None:
    assert message in problems(text)[""]


def test_compatible_servers_are_described_whole() -> None:
    provider = {
        "code": "openai_compatible",
        "model": "x",
        "base_url": "https://models.example.com/v1/",
        "needs_key": False,
    }
    document = documents.parse(json.dumps({**GOOD, "provider": provider}))
    assert (document.base_url, document.needs_key) == ("https://models.example.com/v1", False)
    assert "provider.base_url" in problems(
        json.dumps({**GOOD, "provider": {**provider, "base_url": "nonsense"}})
    )
    assert "provider.needs_key" in problems(json.dumps({**GOOD, "provider": {**provider, "needs_key": "no"}}))


def test_a_long_key_is_not_repeated_for_the_line_of_each_entry_below_it() -> None:
    items = ", ".join("1" for _ in range(4000))
    source = load(f"? {'k' * 100_000}\n: [{items}]\nidentity: {{name: Ada}}\n")
    assert sum(map(len, source.lines)) < 100_000
    assert source.line("identity.name") == 3
