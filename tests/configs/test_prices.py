"""The cost of an answer, by a dated list of prices that an operator can replace."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from configs.providers import PROVIDERS
from configs.providers.catalogue import CATALOGUE
from configs.providers.prices import Cost, Used, cost_of

MILLION = 1_000_000


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"as_of": "2030-01-01", "models": {"groq": {"fast": [1, 2]}}}))
    settings.AGENTFORGE_PRICES = str(path)
    return path


def _dollars(provider: str, model: str) -> float | None:
    cost = cost_of([Used(provider, model, MILLION, MILLION)])
    return cost.dollars if cost else None


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("openai", "gpt-4o", 12.5),
        ("openai_responses", "gpt-4o", 12.5),
        ("openai", "gpt-4o-2024-08-06", 12.5),
        ("openai", "gpt-4o-mini", 0.75),
        ("anthropic", "claude-sonnet-4-20250514", 18),
        ("anthropic", "claude-sonnet-4-5-20250929", 18),
        ("anthropic", "claude-3-5-haiku-latest", 4.8),
        # Nobody has vouched for the prices of others yet.
        ("mistral", "mistral-large-latest", None),
        # Another model, whose name begins alike.
        ("openai", "gpt-4o-audio-preview", None),
        ("anthropic", "claude-sonnet-4-9", None),
        ("openai_compatible", "gpt-4o", None),
        ("of-nobody", "gpt-4o", None),
    ],
)
def test_a_price_is_of_a_model_and_its_versions(provider: str, model: str, dollars: float | None) -> None:
    assert _dollars(provider, model) == (None if dollars is None else pytest.approx(dollars))


def test_the_list_is_dated_and_of_providers_that_exist() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", CATALOGUE["prices"]["as_of"])
    assert set(CATALOGUE["prices"]["models"]) <= set(PROVIDERS)


def test_costs_of_several_models_add_up_if_all_are_known(own: Path) -> None:
    fast, idle = Used("groq", "fast", 1000, 500), Used("openai", "gpt-4o", 0, 0)
    cost = cost_of([fast, idle])
    assert cost is not None
    assert cost.as_of == "2030-01-01"
    assert cost.dollars == pytest.approx(0.002)
    assert cost_of([fast, Used("openai", "gpt-4o", 1, 0)]) is None


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(0, "$0.00"), (1.234, "$1.23"), (0.00123, "$0.0012"), (0.00001, "less than $0.0001")],
)
def test_a_cost_in_words(dollars: float, words: str) -> None:
    assert Cost(dollars, "").words == words


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"models": {}}',
        '{"as_of": "x", "models": {"openai": {"gpt-4o": 3}}}',
        '{"as_of": "x", "models": {"openai": {"gpt-4o": [3, -1]}}}',
        '{"as_of": "x", "models": {"openai": {"gpt-4o": [3, "dear"]}}}',
    ],
)
def test_a_list_that_can_not_be_read_is_reported(own: Path, content: str) -> None:
    assert not _problems()
    own.write_text(content)
    assert _problems()


def _problems() -> list[str]:
    return [str(message) for message in run_checks() if message.id == "configs.E004"]


def test_a_list_that_is_not_there_is_reported(settings: Settings) -> None:
    settings.AGENTFORGE_PRICES = "/nowhere/prices.json"
    assert _problems()
