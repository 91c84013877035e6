"""Read what others keep of agents, servers, APIs and skills: each importer says what it leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import yaml

from configs.documents.room import MAX_CHARACTERS
from configs.skills.entries import MAIN_FILE
from configs.skills.markdown import has_front_matter
from configs.tools.openapi.document import plain_yaml

from .base import Foreign
from .cards import from_card, from_eliza
from .docker_agent import from_docker_agent, is_docker_agent
from .editor_json import is_editor_json, load_editor_json, plain_json
from .mcp_servers import SERVERS, from_mcp_servers
from .openapi import from_openapi
from .skills import from_skills

__all__ = ["Foreign", "foreign", "from_skills"]


def foreign(text: str, file: str = "") -> Foreign | None:
    """Return what an importer makes of a text, that of a file if it has a name; None if it is none of theirs.

    Raises DocumentError for one that can't be used.
    """
    if file.lower().endswith(".md") or has_front_matter(text):
        return from_skills(file or MAIN_FILE, text.encode())
    value = _loaded(text)
    read = _importer(value) if isinstance(value, Mapping) and "identity" not in value else None
    return read(value) if read else None


def _importer(value: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Foreign] | None:
    if "openapi" in value or "swagger" in value:
        return from_openapi
    if any(isinstance(value.get(name), Mapping) for name in SERVERS):
        return from_mcp_servers
    if str(value.get("spec", "")).startswith("chara_card_v"):
        return from_card
    if is_docker_agent(value):
        return from_docker_agent
    return from_eliza if "name" in value and "bio" in value else None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > MAX_CHARACTERS:
        return None
    is_json = is_editor_json(text)
    with suppress(ValueError, RecursionError):
        if is_json:
            return load_editor_json(text)
    try:
        return plain_yaml(plain_json(text) if is_json else text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
