from __future__ import annotations

from typing import Any

import pytest

from configs import choices
from configs.models import AgentConfig
from configs.prompt import phrases
from configs.prompt.assembly import system_prompt

BASE: dict[str, Any] = {
    "name": "Ada",
    "handle": "ada",
    "type": "assistant",
    "description": "Helps.",
    "version": "1.0.0",
    "preset": "balanced",
    "traits": ["curious"],
    "communication_style": "plain",
    "tone": "neutral",
    "response_length": "balanced",
    "creativity": 0.5,
    "custom_instructions": "Be kind.",
    "memory": True,
    "tools": [],
}


def told(**changed: Any) -> str:
    return system_prompt(AgentConfig(**{**BASE, **changed})).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Grace"),
        ("handle", "grace"),
        ("description", "Teaches."),
        ("version", "2.0.0"),
        ("custom_instructions", "Be brave."),
        ("memory", False),
        ("tools", ["clock"]),
        ("tools", ["calculator"]),
        *[("creativity", value) for value in (0, 0.3, 0.7, 1)],
        *[("type", value) for value in choices.AgentType if value != "assistant"],
        *[("preset", value) for value in choices.Preset if value != "balanced"],
        *[("traits", [value]) for value in choices.Trait if value != "curious"],
        *[("communication_style", value) for value in choices.CommunicationStyle if value != "plain"],
        *[("tone", value) for value in choices.Tone if value != "neutral"],
        *[("response_length", value) for value in choices.ResponseLength if value != "balanced"],
    ],
)
def test_every_value_changes_what_the_model_is_told(field: str, value: Any) -> None:
    assert told(**{field: value}) != told()


@pytest.mark.parametrize(
    ("words", "enumeration"),
    [
        (phrases.TYPES, choices.AgentType),
        (phrases.PRESETS, choices.Preset),
        (phrases.TRAITS, choices.Trait),
        (phrases.STYLES, choices.CommunicationStyle),
        (phrases.TONES, choices.Tone),
        (phrases.LENGTHS, choices.ResponseLength),
        (phrases.TOOLS, choices.Tool),
    ],
)
def test_every_choice_has_words_of_its_own(words: dict[str, str], enumeration: Any) -> None:
    assert set(words) == set(enumeration.values)
    assert len(set(words.values())) == len(words)


def test_parts_are_marked_by_their_source() -> None:
    parts = system_prompt(AgentConfig(**BASE)).parts
    assert [part.source for part in parts] == [
        "name",
        "type",
        "description",
        "version",
        "preset",
        "traits",
        "communication_style",
        "tone",
        "response_length",
        "creativity",
        "custom_instructions",
    ]
    assert {part.tab for part in parts} == {"identity", "personality"}


@pytest.mark.parametrize("text", ["{0} {name} %s {{ }}", "`rm -rf`", '"quoted"', "line\nline", "\u202eabc"])
def test_text_stays_text(text: str) -> None:
    for field in ("name", "description", "custom_instructions"):
        assert text in told(**{field: text})


def test_tokens_are_estimated_from_the_length() -> None:
    prompt = system_prompt(AgentConfig(**BASE))
    assert prompt.tokens == -(-len(prompt.text) // 4)
