"""Limits of tokens and cost: form, agent.json, document, words; refused where no price is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from configs.changes import differences, of_draft, of_revision
from configs.documents.document import parse
from configs.documents.export import export
from configs.documents.problems import DocumentError
from configs.draft_check import known_problems
from configs.models import AgentConfig
from configs.revisions import configuration, create_revision

from .test_tabs import VALID

LIMITS = {
    "conversation_tokens": "1000",
    "conversation_cost": "0.50",
    "day_tokens": "100000",
    "day_cost": "12",
}
COSTS = {"conversation_cost": "0.50"}


@pytest.fixture
def priced(agent: AgentConfig) -> AgentConfig:
    """An agent with a model whose price is known."""
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-4o-2024-08-06")
    agent.refresh_from_db()
    return agent


def save(browser: Client, agent: AgentConfig, **limits: str) -> Any:
    return browser.post(f"/agents/{agent.pk}/capabilities/", {**VALID["capabilities"], **limits})


def test_the_form_reaches_agent_json_document_and_api(browser: Client, priced: AgentConfig) -> None:
    assert save(browser, priced).status_code == 302
    priced.refresh_from_db()
    before = create_revision(priced)
    assert save(browser, priced, **LIMITS).status_code == 302
    priced.refresh_from_db()
    document = configuration(priced)
    wanted = {
        "conversation_tokens": 1000,
        "conversation_cost": 0.5,
        "day_tokens": 100_000,
        "day_cost": 12.0,
    }
    assert {name: document["limits"][name] for name in wanted} == wanted
    assert document["provider"]["price"] == {"input": 2.5, "output": 10, "as_of": "2026-01-24"}
    values = parse(export(priced), unfinished=True).values
    assert {name: float(values[name]) for name in wanted} == wanted
    url = f"/agents/{priced.pk}/capabilities/"
    sent = browser.get(url, headers={"accept": "application/json"}).json()
    assert {name: sent[name] for name in wanted} == wanted
    words = {
        each.label: (each.before, each.after) for each in differences(of_revision(before), of_draft(priced))
    }
    assert words["Tokens of a day"] == ("Empty", "100000")
    assert words["Cost of a conversation"] == ("Empty", "0.5")
    assert not differences(of_revision(create_revision(priced)), of_draft(priced))
    assert save(browser, priced, **dict.fromkeys(LIMITS, "")).status_code == 302
    priced.refresh_from_db()
    assert create_revision(priced) == before


def test_an_agent_without_limits_is_what_it_was(priced: AgentConfig) -> None:
    document = configuration(priced)
    assert set(document["limits"]) == {"tool_rounds", "seconds", "memory_mb"}
    assert "price" not in document["provider"]
    assert "_tokens" not in export(priced)


def test_limits_of_tokens_need_no_price(browser: Client, agent: AgentConfig) -> None:
    assert save(browser, agent, day_tokens="5000").status_code == 302
    agent.refresh_from_db()
    assert "price" not in configuration(agent)["provider"]


def test_a_cost_is_limited_only_where_the_price_is_known(browser: Client, agent: AgentConfig) -> None:
    response = save(browser, agent, **COSTS)
    assert response.status_code == 422
    assert "The price of smollm2-135m of Local model is not known" in response.content.decode()
    agent.refresh_from_db()
    assert agent.conversation_cost is None


def test_the_price_of_the_fallback_counts_too(browser: Client, priced: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=priced.pk).update(fallback_provider="groq", fallback_model="fast")
    response = save(browser, priced, **COSTS)
    assert "The price of fast of Groq is not known" in response.content.decode()
    AgentConfig.objects.filter(pk=priced.pk).update(fallback_provider="openai", fallback_model="gpt-4o-mini")
    assert save(browser, priced, **COSTS).status_code == 302
    priced.refresh_from_db()
    assert configuration(priced)["fallback"]["price"]["output"] == 0.6


def test_another_model_without_a_price_is_found_before_the_build(
    browser: Client, priced: AgentConfig
) -> None:
    save(browser, priced, **COSTS)
    AgentConfig.objects.filter(pk=priced.pk).update(model="gpt-unheard-of")
    priced.refresh_from_db()
    assert "gpt-unheard-of" in known_problems(priced)["capabilities"]["conversation_cost"][0]


def test_the_operators_prices_count(
    browser: Client, agent: AgentConfig, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"as_of": "2030-01-01", "models": {"local": {"smollm2-135m": [0, 0]}}}))
    settings.AGENTFORGE_PRICES = str(path)
    assert save(browser, agent, **COSTS).status_code == 302
    agent.refresh_from_db()
    assert configuration(agent)["provider"]["price"] == {"input": 0, "output": 0, "as_of": "2030-01-01"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("day_tokens", "99", "greater than or equal to 100"),
        ("day_tokens", "2000000000", "less than or equal to"),
        ("day_tokens", "many", "whole number"),
        ("day_cost", "0", "greater than or equal to 0.01"),
        ("day_cost", "0.001", "2 decimal places"),
        ("day_cost", "NaN", "Enter a number"),
        ("day_cost", "1e9", "less than or equal to"),
    ],
)
def test_refuses(browser: Client, priced: AgentConfig, name: str, value: str, message: str) -> None:
    response = save(browser, priced, **{name: value})
    assert response.status_code == 422
    assert message in response.content.decode()


def test_a_document_is_held_to_the_same(agent: AgentConfig) -> None:
    known = (
        "identity: {name: Ada}\nprovider: {code: openai, model: MODEL}\n"
        "limits: {day_cost: 5, day_tokens: null}\n"
    )
    assert float(parse(known.replace("MODEL", "gpt-4o")).values["day_cost"]) == 5
    with pytest.raises(DocumentError, match=r"limits\.day_cost: The price of gpt-zero"):
        parse(known.replace("MODEL", "gpt-zero"))
    with pytest.raises(DocumentError, match=r"limits\.day_cost: must be a number"):
        parse(known.replace("MODEL", "gpt-4o").replace("day_cost: 5", "day_cost: lots"))
