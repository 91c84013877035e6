"""A JSON Schema of the answers: what the form takes, and how it reaches agent.json, prompt and document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from configs import answer_schema
from configs.changes import differences, of_draft, of_revision
from configs.documents.document import parse
from configs.documents.export import export
from configs.documents.problems import DocumentError
from configs.models import AgentConfig
from configs.prompt.assembly import system_prompt
from configs.revisions import configuration, create_revision

from .test_tabs import VALID

# The order is that of the answer, not that of the alphabet.
PLACE = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "city": {"type": "string", "pattern": "^[A-Z]"}},
    "required": ["why", "city"],
    "additionalProperties": False,
}


def save(browser: Client, agent: AgentConfig, schema: object) -> Any:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return browser.post(f"/agents/{agent.pk}/capabilities/", {**VALID["capabilities"], "answer_schema": text})


def test_the_form_reaches_agent_json_prompt_document_and_api(browser: Client, agent: AgentConfig) -> None:
    before = create_revision(agent)
    assert save(browser, agent, PLACE).status_code == 302
    agent.refresh_from_db()
    frozen = configuration(agent)["answer"]
    assert (json.loads(frozen["schema"]), frozen["strict"]) == (PLACE, True)
    assert list(json.loads(frozen["schema"])["properties"]) == ["why", "city"]
    assert system_prompt(agent).text.endswith(frozen["schema"])
    assert parse(export(agent), unfinished=True).values["answer_schema"] == frozen["schema"]
    url = f"/agents/{agent.pk}/capabilities/"
    assert (
        browser.get(url, headers={"accept": "application/json"}).json()["answer_schema"] == frozen["schema"]
    )
    page = browser.get(url).content.decode()
    assert "&quot;why&quot;" in page
    told = {each.label: each.after for each in differences(of_revision(before), of_draft(agent))}
    assert told["JSON Schema of the answers"] == frozen["schema"]
    assert not differences(of_revision(create_revision(agent)), of_draft(agent))


def test_an_agent_without_one_is_what_it_was(agent: AgentConfig) -> None:
    agent.refresh_from_db()
    document = configuration(agent)
    assert "answer" not in document
    assert "structured_output" not in document["provider"]
    assert "JSON" not in document["system_prompt"]
    assert "answer" not in export(agent)


def test_scripts_and_documents_may_write_it_as_an_object(browser: Client, agent: AgentConfig) -> None:
    url = f"/agents/{agent.pk}/capabilities/"
    assert browser.post(url, {"answer_schema": PLACE}, content_type="application/json").status_code == 302
    agent.refresh_from_db()
    assert json.loads(agent.answer_schema) == PLACE
    document = "identity: {name: Ada}\nanswer:\n  schema: " + json.dumps(PLACE)
    assert json.loads(parse(document, unfinished=True).values["answer_schema"]) == PLACE
    with pytest.raises(DocumentError, match=r"answer\.schema: must be a JSON Schema"):
        parse("identity: {name: Ada}\nanswer: {schema: 3}", unfinished=True)


def test_a_provider_without_schemas_is_asked_for_an_object(agent: AgentConfig) -> None:
    agent.provider, agent.answer_schema = "deepseek", answer_schema.written(PLACE)
    agent.fallback_provider, agent.fallback_model = "openai", "gpt-x"
    document = configuration(agent)
    assert document["provider"]["structured_output"] == "object"
    assert "structured_output" not in document["fallback"]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (PLACE, True),
        ({**PLACE, "required": ["why"]}, False),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, False),
        ({**PLACE, "properties": {"why": PLACE, "city": {"type": "array", "items": PLACE}}}, True),
        ({**PLACE, "properties": {"why": PLACE, "city": {"anyOf": [{"type": "object"}, PLACE]}}}, False),
    ],
)
def test_a_schema_is_strict_if_nothing_is_left_open(schema: dict[str, Any], strict: bool) -> None:
    assert answer_schema.is_strict(answer_schema.parse(json.dumps(schema))) is strict


def of(**inner: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": inner}}


def nested(levels: int) -> dict[str, Any]:
    return of(type="string") if levels == 0 else {"type": "object", "properties": {"a": nested(levels - 1)}}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "not JSON"),
        ('{"type": "object", "type": "object"}', "not JSON"),
        ("[]", "must be an object"),
        ({"type": "array", "items": {}}, "must be an object"),
        ({"type": "object", "properties": {}}, "name at least one property"),
        (of(type="text"), "$.properties.a.type must be one of object"),
        (of(type=[]), "must be one of"),
        (of(type=["string", 1]), "must be one of"),
        (of(oneOf=[{}]), "$.properties.a.oneOf: providers don't take"),
        (of(anyOf=[]), "an entry at least"),
        (of(anyOf=[1]), "$.properties.a.anyOf[0] must be a schema"),
        (of(enum="x"), "must be a list"),
        (of(minimum="1"), "must be a number"),
        (of(minimum=True), "must be a number"),
        (of(multipleOf=0), "must be a number"),
        (of(minLength=-1), "whole number"),
        (of(description=1), "must be text"),
        (of(items=[{}]), "$.properties.a.items must be a schema"),
        (of(additionalProperties="no"), "true, false or a schema"),
        (of(**{"$ref": "https://example.org/x"}), "leads nowhere"),
        (of(**{"$ref": "#/$defs/b"}), "leads nowhere"),
        ({**of(), "required": ["b"]}, "names “b”"),
        ({**of(), "required": ["a", "a"]}, "each once"),
        (of(pattern="("), "not a regular expression"),
        (of(pattern="(?=a)"), "(?…)"),
        (of(pattern=r"(a)\1"), "providers don't take \\1"),
        (of(pattern=r"a\Z"), "providers don't take \\Z"),
        (of(pattern="a++"), "(?…)"),
        (of(pattern="a{1001}"), "more than 1000 times"),
        (nested(12), "levels deep"),
        ({"type": "object", "properties": {f"p{n}": {} for n in range(501)}}, "more than 500"),
        (json.dumps(of(description="x" * 20_000)), "20,000 characters"),
    ],
)
def test_refuses_what_providers_do_not_take(schema: object, message: str) -> None:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    with pytest.raises(answer_schema.InvalidSchema) as refused:
        answer_schema.parse(text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ('"$ref": "#/$defs/a", "$defs": 5', "leads nowhere"),
        ('"properties": {"a": {"minimum": 1e999}}', "1e999 is too large"),
        ('"properties": {"a": {"enum": [-1e400]}}', "-1e400 is too large"),
        ('"properties": {"a": {"description": "\\ud800"}}', "half of a surrogate pair"),
        ('"properties": {"\\udfff": {"type": "string"}}', "half of a surrogate pair"),
    ],
)
def test_a_schema_that_cannot_be_kept_is_refused(
    browser: Client, agent: AgentConfig, inner: str, words: str
) -> None:
    start = '{"type": "object", ' if "properties" in inner else '{"type": "object", "properties": {"a": {}}, '
    response = save(browser, agent, f"{start}{inner}}}")
    assert response.status_code == 422
    assert words in response.content.decode()


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_a_document_is_held_to_what_json_has(number: str) -> None:
    schema = f"{{type: object, properties: {{a: {{minimum: {number}}}}}}}"
    text = f"identity: {{name: A}}\nanswer:\n  schema: {schema}\n"
    with pytest.raises(DocumentError, match="JSON"):
        parse(text, unfinished=True)


@pytest.mark.parametrize("pattern", [r"^\d{3}-[a-z]+$", r"\++", "(?:a|b){2,5}", r"[\]+]+x", "[+]+"])
def test_takes_the_patterns_that_providers_share(pattern: str) -> None:
    assert answer_schema.parse(json.dumps(of(type="string", pattern=pattern)))


def test_the_page_keeps_a_wrong_schema_and_says_where(browser: Client, agent: AgentConfig) -> None:
    response = save(browser, agent, of(oneOf=[{}]))
    assert response.status_code == 422
    assert "$.properties.a.oneOf: providers don&#x27;t take" in response.content.decode()
    assert "oneOf&quot;: [{}]" in response.content.decode()


def test_empty_text_ends_it(browser: Client, agent: AgentConfig) -> None:
    save(browser, agent, PLACE)
    assert save(browser, agent, " \n").status_code == 302
    agent.refresh_from_db()
    assert agent.answer_schema == ""
