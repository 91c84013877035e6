"""The settings and permissions of tools reach the agent: form, agent.json, document, words, API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from configs.changes import differences, of_draft, of_revision
from configs.documents.document import parse
from configs.documents.export import export
from configs.documents.problems import DocumentError
from configs.models import AgentConfig, Revision
from configs.revisions import configuration, create_revision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_tools")]
FORM = {
    "memory": "on",
    "memory_turns": "3",
    "tools": ["facts", "fetch"],
    "tool_settings.facts.directory": " /srv/agent ",
    "tool_settings.fetch.hosts": "Example.org\r\n*.example.com, example.org",
    "tool_settings.fetch.ignore_robots": "on",
    "permissions.facts_save": "allow",
    "permissions.facts.rules": "deny text=*secret*\n",
    "permissions.fetch": "ask",
    "permissions.fetch.rules": "allow  host=example.org\ndeny url=*/private/*",
    "tool_rounds": "2",
    "time_limit_seconds": "30",
    "memory_limit_mb": "256",
}
SETTINGS = {
    "facts": {"directory": "/srv/agent"},
    "fetch": {"hosts": ["example.org", "*.example.com"], "ignore_robots": True},
}
PERMISSIONS = {
    "facts": ["deny text=*secret*"],
    "facts_save": ["allow"],
    "fetch": ["ask", "deny url=*/private/*", "allow host=example.org"],
}


def url(agent: AgentConfig) -> str:
    return f"/agents/{agent.pk}/capabilities/"


def save(browser: Client, agent: AgentConfig, **changes: Any) -> Any:
    return browser.post(url(agent), {**FORM, **changes})


def test_the_form_reaches_agent_json_and_comes_back(browser: Client, agent: AgentConfig) -> None:
    assert save(browser, agent).status_code == 302
    agent.refresh_from_db()
    capabilities = configuration(agent)["capabilities"]
    assert capabilities["tool_settings"] == SETTINGS
    assert capabilities["permissions"] == PERMISSIONS
    page = browser.get(url(agent)).content.decode()
    assert ">example.org\n*.example.com</textarea>" in page
    assert page.count('value="allow" selected') == 1
    assert ">deny text=*secret*</textarea>" in page
    assert (
        browser.get(url(agent), headers={"accept": "application/json"}).json()["permissions"] == PERMISSIONS
    )


def test_an_agent_without_them_is_what_it_was(agent: AgentConfig) -> None:
    assert set(configuration(agent)["capabilities"]) == {"memory", "tools"}


def test_what_belongs_to_a_tool_that_is_not_chosen_goes(browser: Client, agent: AgentConfig) -> None:
    save(browser, agent)
    save(browser, agent, tools=["clock"])
    agent.refresh_from_db()
    assert (agent.tool_settings, agent.permissions) == ({}, {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tool_settings.fetch.hosts": ""}, "at least one host"),
        ({"tool_settings.fetch.hosts": "https://example.org/"}, "is not a host"),
        ({"tool_settings.fetch.hosts": "*"}, "is not a host"),
        ({"tool_settings.fetch.hosts": "example.org:99999"}, "is not a host"),
        ({"tool_settings.fetch.hosts": "ex_ämple.org"}, "is not a host"),
        ({"tool_settings.facts.directory": "relative/path"}, "absolute path"),
        ({"permissions.fetch.rules": "permit all"}, "is not a rule"),
        ({"permissions.fetch.rules": "deny url="}, "is not a rule"),
        ({"permissions.facts_save": "perhaps"}, "is not a rule"),
    ],
)
def test_what_does_not_fit_is_refused(
    browser: Client, agent: AgentConfig, changes: dict[str, str], words: str
) -> None:
    response = save(browser, agent, **changes)
    assert response.status_code == 422
    assert words in response.content.decode()
    agent.refresh_from_db()
    assert agent.tool_settings == {}


def test_what_a_browser_saves_by_itself_keeps_the_valid_part(browser: Client, agent: AgentConfig) -> None:
    base = browser.get(url(agent), headers={"accept": "application/json"}).json()
    shown = {name: base[name] for name in ("tools", "tool_settings", "permissions", "memory")}
    response = browser.post(
        url(agent),
        {**FORM, "tool_settings.fetch.hosts": "", "base": json.dumps({**base, **shown})},
        headers={"X-Autosave": "1", "accept": "application/json"},
    ).json()
    assert "permissions" in response["saved"] and "tool_settings" not in response["saved"]
    assert "at least one host" in response["errors"]["tool_settings"][0]


@pytest.mark.parametrize(
    "values",
    [
        {"tool_settings": []},
        {"tool_settings": {"rocket": {}}},
        {"tool_settings": {"fetch": {"hosts": ["example.org"], "fuel": 1}}},
        {"tool_settings": {"fetch": {"hosts": [1]}}},
        {"tool_settings": {"facts": {"directory": 1}}},
        {"permissions": {"rocket": ["allow"]}},
        {"permissions": {"fetch": "allow"}},
        {"permissions": {"fetch": [["allow"]]}},
        {"permissions": {"fetch": ["allow\nurl=x"]}},
    ],
)
def test_a_script_is_told_what_does_not_fit(
    browser: Client, agent: AgentConfig, values: dict[str, Any]
) -> None:
    answer = browser.post(
        url(agent),
        json.dumps(values),
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    assert answer.status_code == 422, answer.content
    assert next(iter(values)) in answer.json()["errors"]


def test_a_document_brings_them_and_takes_them_along(browser: Client, agent: AgentConfig) -> None:
    save(browser, agent)
    agent.refresh_from_db()
    text = export(agent)
    assert parse(text).values["tool_settings"] == SETTINGS
    assert parse(text).values["permissions"] == PERMISSIONS
    agent.tools, agent.tool_settings, agent.permissions = ["clock"], {}, {}
    assert "permissions" not in export(agent) and "tool_settings" not in export(agent)
    with pytest.raises(DocumentError, match=r"capabilities\.tool_settings: .*at least one host"):
        parse("identity: {name: Ada}\ncapabilities: {tools: [fetch]}")


def test_a_rule_for_a_tool_is_one_for_each_of_its_functions() -> None:
    document = parse(
        "identity: {name: Ada}\nprovider: {code: openai, model: x}\n"
        "capabilities: {tools: [facts], permissions: {facts: [allow]}}"
    )
    assert document.values["permissions"] == {
        "facts_find": ["allow"],
        "facts_forget": ["allow"],
        "facts_save": ["allow"],
    }


def test_revisions_differ_in_words(browser: Client, agent: AgentConfig) -> None:
    old: Revision = create_revision(agent)
    save(browser, agent)
    agent.refresh_from_db()
    changed = {each.label: each for each in differences(of_revision(old), of_draft(agent))}
    assert changed["Permissions"].before == "Empty"
    assert "facts_save allow" in changed["Permissions"].after
    assert changed["Settings of tools"].after.startswith(
        "facts directory /srv/agent; fetch hosts example.org"
    )
    new = create_revision(agent)
    assert differences(of_revision(new), of_draft(agent)) == []


def test_two_agents_that_differ_in_one_setting_differ_in_agent_json(agent: AgentConfig) -> None:
    agent.tools = ["fetch"]
    texts = set()
    for hosts in (["a.example"], ["b.example"]):
        agent.tool_settings = {"fetch": {"hosts": hosts}}
        texts.add(json.dumps(configuration(agent)))
    for rules in (["ask"], ["deny"]):
        agent.permissions = {"fetch": rules}
        texts.add(json.dumps(configuration(agent)))
    agent.tools, agent.permissions = ["workspace"], {}
    for directory in ("/srv/a", "/srv/b"):
        agent.tool_settings = {"workspace": {"directory": directory}}
        texts.add(json.dumps(configuration(agent)))
    assert len(texts) == 6


def test_every_tool_says_what_it_may_do(browser: Client, agent: AgentConfig) -> None:
    page = browser.get(url(agent)).content.decode()
    for words in (
        "only works out its answer",
        "writes what stays",
        "Text files of one directory",
        "reaches other machines",
        "asks, because it writes",
    ):
        assert words in page
