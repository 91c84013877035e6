from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from configs.documents.problems import DocumentError, Problem
from configs.forms.identity import NAME_LENGTH

LONGEST_DESCRIPTION = 500
_LONGEST_INSTRUCTIONS = 4000


@dataclass(frozen=True)
class Foreign:
    """A document of ours, a sentence for each thing that it lacks of the other, and keys by their address."""

    document: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)


def refuse(message: str) -> DocumentError:
    """Return the error for a text that can't be used."""
    return DocumentError([Problem("", message)])


def clean_name(text: Any, otherwise: str) -> str:
    """Return a name for an agent, on one line."""
    return " ".join(str(text or otherwise).split())[:NAME_LENGTH] or otherwise


def agent_document(name: Any, about: str, instructions: str, notes: list[str]) -> dict[str, Any]:
    """Return the document of an agent that is described in words; `notes` get what is too long for it."""
    if len(instructions) > _LONGEST_INSTRUCTIONS:
        notes.append(
            f"The instructions were cut at {_LONGEST_INSTRUCTIONS:,} of {len(instructions):,} characters."
        )
    return {
        "identity": {
            "name": clean_name(name, "Imported agent"),
            "description": " ".join(about.split())[:LONGEST_DESCRIPTION],
        },
        "personality": {"custom_instructions": instructions[:_LONGEST_INSTRUCTIONS].strip()},
    }


def lines_of(value: Any) -> str:
    """Return text, or a list of texts, as lines."""
    if isinstance(value, list):
        return "\n".join(str(each).strip() for each in value if isinstance(each, str))
    return value.strip() if isinstance(value, str) else ""
