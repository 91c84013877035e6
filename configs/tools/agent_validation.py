"""Validate other agents as agent.json has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from django.core.exceptions import ValidationError

from agentforge.outbound import DEFAULT_PORTS

from .services import AGENT, REPLY

PROTOCOLS = ("1.0", "0.3")
USUAL_SECONDS, MOST_SECONDS = 60, 600
CARD_PATH = "/.well-known/agent-card.json"
_CARD = {"name", "function", "description", "skills", "endpoint", "protocol"}
_SKILL = ("id", "name", "description")
_MOST_SKILLS = 50
_LONGEST_NAME, _LONGEST_TEXT = 200, 4000


def card_url(url: str) -> str:
    """Return the address of an agent's card: the given one, or where the protocol has it below that."""
    parsed = httpx.URL(url)
    if parsed.path.endswith(".json"):
        return url
    return str(parsed.copy_with(path=parsed.path.rstrip("/") + CARD_PATH))


def clean_seconds(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return how long another agent has to answer, if that is not the usual time."""
    seconds = entry.get("seconds")
    if seconds in (None, ""):
        return {}
    text = str(seconds).strip()
    if isinstance(seconds, bool) or text not in map(str, range(1, MOST_SECONDS + 1)):
        raise ValidationError(f"Give 1 to {MOST_SECONDS} seconds.")
    return {} if int(text) == USUAL_SECONDS else {"seconds": int(text)}


def function_of(service: str) -> str:
    """Return the name of the function that asks an agent."""
    return f"{AGENT}_{service}"


def origin(url: str) -> tuple[str, str, int]:
    """Return where requests to an address go: scheme, host and port."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host.rstrip("."), parsed.port or DEFAULT_PORTS.get(parsed.scheme, 0)


def clean_card(service: str, url: str, card: Any) -> dict[str, Any]:
    """Return the card of an agent whose card is at an address, with what it is pinned by."""
    if not isinstance(card, dict) or set(card) - _CARD:
        raise ValidationError(f"{service}: a card has {', '.join(sorted(_CARD))}.")
    if service.endswith(REPLY):
        raise ValidationError(f"“{service}”: choose a name that does not end with {REPLY}.")
    name, description, endpoint = (card.get(key) for key in ("name", "description", "endpoint"))
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ValidationError(f"{service}: the agent's name has 1 to {_LONGEST_NAME} characters on one line.")
    if card.get("function", function_of(service)) != function_of(service):
        raise ValidationError(f"{service}: the function is {function_of(service)}.")
    if card.get("protocol") not in PROTOCOLS:
        raise ValidationError(f"{service}: the version of the protocol is {' or '.join(PROTOCOLS)}.")
    if not isinstance(endpoint, str) or not _is_at(url, endpoint):
        raise ValidationError(f"{service}: the agent has to answer at the host of its card.")
    return {
        "name": name,
        "function": function_of(service),
        "description": _text(service, description),
        "skills": _skills(service, card.get("skills")),
        "endpoint": endpoint,
        "protocol": card["protocol"],
    }


def _is_at(url: str, endpoint: str) -> bool:
    try:
        return origin(url) == origin(endpoint)
    except httpx.InvalidURL:
        return False


def _skills(service: str, given: Any) -> list[dict[str, str]]:
    skills = given or []
    if not isinstance(skills, list) or len(skills) > _MOST_SKILLS:
        raise ValidationError(f"{service}: an agent has at most {_MOST_SKILLS} skills.")
    if not all(isinstance(skill, dict) for skill in skills):
        raise ValidationError(f"{service}: a skill has {', '.join(_SKILL)}.")
    return [{key: _text(service, skill.get(key)) for key in _SKILL} for skill in skills]


def _text(service: str, value: Any) -> str:
    text = "" if value is None else value
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise ValidationError(f"{service}: its card has more than {_LONGEST_TEXT:,} characters in a text.")
    return text
