"""The values that each preset fills in; users can change all of them."""

from __future__ import annotations

from typing import Any

from .choices import CommunicationStyle, Preset, ResponseLength, Tone, Trait


def _values(
    traits: list[Trait], style: CommunicationStyle, tone: Tone, length: ResponseLength, creativity: float
) -> dict[str, Any]:
    return {
        "traits": [str(trait) for trait in traits],
        "communication_style": str(style),
        "tone": str(tone),
        "response_length": str(length),
        "creativity": creativity,
    }


PRESET_VALUES: dict[str, dict[str, Any]] = {
    Preset.BALANCED: _values(
        [Trait.PRAGMATIC, Trait.PRECISE], CommunicationStyle.PLAIN, Tone.NEUTRAL, ResponseLength.BALANCED, 0.5
    ),
    Preset.PROFESSIONAL: _values(
        [Trait.PRECISE, Trait.SYSTEMATIC, Trait.CANDID],
        CommunicationStyle.STRUCTURED,
        Tone.FORMAL,
        ResponseLength.BALANCED,
        0.3,
    ),
    Preset.FRIENDLY: _values(
        [Trait.EMPATHETIC, Trait.PATIENT, Trait.HUMOROUS],
        CommunicationStyle.CONVERSATIONAL,
        Tone.WARM,
        ResponseLength.BRIEF,
        0.6,
    ),
    Preset.MENTOR: _values(
        [Trait.PATIENT, Trait.ENCOURAGING, Trait.CURIOUS],
        CommunicationStyle.SOCRATIC,
        Tone.WARM,
        ResponseLength.BALANCED,
        0.5,
    ),
    Preset.ANALYTICAL: _values(
        [Trait.SYSTEMATIC, Trait.SKEPTICAL, Trait.PRECISE],
        CommunicationStyle.STRUCTURED,
        Tone.NEUTRAL,
        ResponseLength.DETAILED,
        0.2,
    ),
    Preset.IMAGINATIVE: _values(
        [Trait.CREATIVE, Trait.CURIOUS, Trait.HUMOROUS],
        CommunicationStyle.NARRATIVE,
        Tone.ENTHUSIASTIC,
        ResponseLength.BALANCED,
        0.9,
    ),
}
