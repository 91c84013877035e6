"""Characters of elizaOS, and character cards (version 2 and 3): a name, a description and instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import Foreign, agent_document, lines_of

_ELIZA = ("name", "bio", "system", "lore", "topics", "adjectives", "style", "knowledge")
_STYLES = ("all", "chat")
_CARD = ("name", "description", "personality", "scenario", "system_prompt", "mes_example")
_SECRET = ("settings", "secrets")


def from_eliza(value: Mapping[str, Any]) -> Foreign:
    """Return the agent of an elizaOS character; its secrets are not read."""
    given = value.get("style")
    style = given if isinstance(given, Mapping) else {}
    manner = [lines_of(style.get(name)) for name in _STYLES]
    parts = [
        lines_of(value.get("system")),
        _titled("About you", value.get("bio")),
        _titled("Your past", value.get("lore")),
        _titled("You know about", value.get("topics")),
        _titled("You are", value.get("adjectives")),
        _titled("How you write", list(filter(None, manner))),
        _titled("You know", value.get("knowledge")),
    ]
    further = {f"style.{name}": content for name, content in style.items()}
    read = (*_ELIZA, *_SECRET, "id", "username", *(f"style.{name}" for name in _STYLES))
    notes = [*_left_out({**value, **further}, read), *_files_left_out(value.get("knowledge"))]
    if any(value.get(name) for name in _SECRET):
        notes.append("Its settings and secrets were not read. Add keys under API keys.")
    return _agent(value.get("name"), lines_of(value.get("bio")), parts, notes)


def from_card(value: Mapping[str, Any]) -> Foreign:
    """Return the agent of a character card."""
    given = value.get("data")
    data = given if isinstance(given, Mapping) else {}
    parts = [
        lines_of(data.get("system_prompt")).replace("{{original}}", ""),
        _titled("About you", data.get("description")),
        _titled("Your personality", data.get("personality")),
        _titled("The scene", data.get("scenario")),
        _titled("How you talk", data.get("mes_example")),
    ]
    name = str(data.get("name", ""))
    parts = [part.replace("{{char}}", name).replace("{{user}}", "the user") for part in parts]
    return _agent(name, lines_of(data.get("description")), parts, _left_out(data, _CARD))


def _agent(name: Any, about: str, parts: list[str], notes: list[str]) -> Foreign:
    instructions = "\n\n".join(filter(None, (part.strip() for part in parts)))
    return Foreign(agent_document(name or "Character", about, instructions, notes), tuple(notes))


def _titled(title: str, value: Any) -> str:
    text = lines_of(value)
    return f"{title}:\n{text}" if text else ""


def _files_left_out(knowledge: Any) -> list[str]:
    files = [each for each in knowledge if not isinstance(each, str)] if isinstance(knowledge, list) else []
    return ["Its files were left out: add them under Knowledge."] if files else []


def _left_out(value: Mapping[str, Any], read: tuple[str, ...]) -> list[str]:
    further = sorted(str(name) for name, content in value.items() if name not in read and content)
    return [f"Left out: {', '.join(further)[:300]}."] if further else []
