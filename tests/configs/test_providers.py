from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from configs.choices import KeyStatus
from configs.providers import PROVIDERS
from tests.standins.anthropic import AnthropicStandIn
from tests.standins.anthropic import Mode as AnthropicMode
from tests.standins.openai import Mode, OpenAIStandIn

OUTCOMES: list[tuple[Mode, KeyStatus]] = [
    ("ok", KeyStatus.VALID),
    ("invalid", KeyStatus.INVALID),
    ("unscoped", KeyStatus.UNSCOPED),
    ("no_credit", KeyStatus.NO_CREDIT),
    ("quota", KeyStatus.NO_CREDIT),
    ("rate_limited", KeyStatus.RATE_LIMITED),
    ("html", KeyStatus.UNREACHABLE),
    ("garbage", KeyStatus.UNREACHABLE),
    ("redirect", KeyStatus.UNREACHABLE),
    ("huge", KeyStatus.UNREACHABLE),
]


@pytest.mark.parametrize(("mode", "status"), OUTCOMES)
def test_openai_outcomes(openai: OpenAIStandIn, mode: Mode, status: KeyStatus) -> None:
    openai.mode = mode
    outcome = PROVIDERS["openai"].check(openai.key)
    assert outcome.status == status
    assert outcome.detail
    assert outcome.models == (("gpt-x", "gpt-x-mini") if status == KeyStatus.VALID else ())
    # A list is requested again without the key, to learn whether it proves anything.
    times = 2 if mode == "ok" else 1
    assert [(asked.method, asked.path) for asked in openai.asked] == [("GET", "/v1/models")] * times


ANTHROPIC_OUTCOMES: list[tuple[AnthropicMode, KeyStatus]] = [
    ("ok", KeyStatus.VALID),
    ("invalid", KeyStatus.INVALID),
    ("unscoped", KeyStatus.UNSCOPED),
    ("no_credit", KeyStatus.NO_CREDIT),
    ("rate_limited", KeyStatus.RATE_LIMITED),
    ("html", KeyStatus.UNREACHABLE),
]


@pytest.mark.parametrize(("mode", "status"), ANTHROPIC_OUTCOMES)
def test_anthropic_outcomes(anthropic: AnthropicStandIn, mode: AnthropicMode, status: KeyStatus) -> None:
    anthropic.mode = mode
    outcome = PROVIDERS["anthropic"].check(anthropic.key)
    assert outcome.status == status
    assert outcome.models == (("claude-x", "claude-x-mini") if status == KeyStatus.VALID else ())
    assert [asked.method for asked in anthropic.asked] == ["GET"] * (2 if mode == "ok" else 1)


def test_wrong_key_is_refused(openai: OpenAIStandIn, anthropic: AnthropicStandIn) -> None:
    assert PROVIDERS["openai"].check("sk-wrong").refused
    assert PROVIDERS["anthropic"].check("sk-ant-wrong").refused


def test_compatible_server_with_and_without_a_key(compatible: OpenAIStandIn) -> None:
    provider = PROVIDERS["openai_compatible"]
    assert provider.check("", compatible.url).refused
    assert provider.check(compatible.key, compatible.url + "/").status == KeyStatus.VALID
    compatible.needs_key = False
    assert provider.check("", compatible.url).status == KeyStatus.VALID
    assert "authorization" not in compatible.asked[-1].headers


def test_a_public_list_proves_no_key(compatible: OpenAIStandIn, openai: OpenAIStandIn) -> None:
    compatible.lists_publicly = openai.lists_publicly = True
    for outcome in (
        PROVIDERS["openai_compatible"].check("sk-of-nobody", compatible.url),
        PROVIDERS["openai"].check("sk-of-nobody"),
    ):
        assert outcome.status == KeyStatus.UNVERIFIED
        assert "lists its models without a key" in outcome.detail
        assert outcome.models == ("gpt-x", "gpt-x-mini")
    assert [asked.headers.get("authorization") for asked in openai.asked] == ["Bearer sk-of-nobody", None]


def test_long_lists_are_whole(compatible: OpenAIStandIn, anthropic: AnthropicStandIn) -> None:
    compatible.models = [f"model-{number}" for number in range(2500)]
    anthropic.models = [f"claude-{number}" for number in range(2500)]
    for outcome in (
        PROVIDERS["openai_compatible"].check(compatible.key, compatible.url),
        PROVIDERS["anthropic"].check(anthropic.key),
    ):
        assert (outcome.status, len(outcome.models)) == (KeyStatus.VALID, 2500)
        assert "2,500 models" in outcome.detail


def test_a_list_that_is_too_long_is_unknown(compatible: OpenAIStandIn) -> None:
    compatible.models = [f"model-{number}" for number in range(10_001)]
    outcome = PROVIDERS["openai_compatible"].check(compatible.key, compatible.url)
    assert (outcome.status, outcome.models) == (KeyStatus.VALID, ())
    assert "more than 10,000 models" in outcome.detail


def test_a_bare_list_of_models_counts(compatible: OpenAIStandIn) -> None:
    assert (
        PROVIDERS["openai_compatible"].check(compatible.key, compatible.origin).status
        == KeyStatus.UNREACHABLE
    )


def test_nobody_answering_is_unreachable() -> None:
    outcome = PROVIDERS["local"].check("")
    assert outcome.status == KeyStatus.UNREACHABLE
    assert "could not be reached" in outcome.detail


def test_local_model_lists_its_models(local_model: OpenAIStandIn) -> None:
    assert PROVIDERS["local"].check("").models == ("smollm2-135m",)


def test_local_model_switched_off_says_why(settings: Settings) -> None:
    settings.LOCAL_MODEL = False
    assert "LOCAL_MODEL=0" in PROVIDERS["local"].unavailable


@pytest.mark.parametrize(
    ("code", "key", "hint", "refusal"),
    [
        ("openai", "sk-ant-api03-x", "a key of Anthropic", ""),
        ("openai", "sk-proj-x", "", ""),
        ("openai", "gsk_x", "a key of Groq", ""),
        ("anthropic", "sk-ant-api03-x", "", ""),
        ("anthropic", "sk-ant-admin01-x", "", "admin key"),
        ("anthropic", "sk-ant-oat01-x", "", "sign-in token"),
        ("anthropic", "sk-x", "", ""),
        ("openai_compatible", "gsk_x", "", ""),
    ],
)
def test_keys_of_others_are_recognized(code: str, key: str, hint: str, refusal: str) -> None:
    provider = PROVIDERS[code]
    assert hint in provider.hint(key)
    assert bool(hint) == bool(provider.hint(key))
    assert refusal in provider.refusal(key)
    assert bool(refusal) == bool(provider.refusal(key))


@pytest.mark.parametrize("code", PROVIDERS)
def test_manifest_has_what_the_agent_reads(code: str) -> None:
    manifest = PROVIDERS[code].manifest("https://example.com/v1")
    own = {"request"} if PROVIDERS[code].request else set()
    assert set(manifest) == {"code", "api", "base_url", "key_env", "base_url_env"} | own
    assert manifest["base_url"] == "https://example.com/v1"
    assert PROVIDERS[code].manifest(keyless=True)["key_env"] == ""
