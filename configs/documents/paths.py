"""The path of each draft field in a document, which has the shape of agent.json without derived values."""

from __future__ import annotations

from typing import Any

PATHS: dict[str, str] = {
    "identity.name": "name",
    "identity.handle": "handle",
    "identity.type": "type",
    "identity.description": "description",
    "identity.version": "version",
    "provider.code": "provider",
    "provider.model": "model",
    "fallback.code": "fallback_provider",
    "fallback.model": "fallback_model",
    "personality.preset": "preset",
    "personality.traits": "traits",
    "personality.communication_style": "communication_style",
    "personality.tone": "tone",
    "personality.response_length": "response_length",
    "personality.creativity": "creativity",
    "personality.custom_instructions": "custom_instructions",
    "capabilities.memory.enabled": "memory",
    "capabilities.memory.turns": "memory_turns",
    "capabilities.memory.tokens": "memory_tokens",
    "capabilities.tools": "tools",
    "capabilities.tool_settings": "tool_settings",
    "capabilities.permissions": "permissions",
    "capabilities.images": "images",
    "answer.schema": "answer_schema",
    "limits.tool_rounds": "tool_rounds",
    "limits.seconds": "time_limit_seconds",
    "limits.memory_mb": "memory_limit_mb",
    "limits.conversation_tokens": "conversation_tokens",
    "limits.conversation_cost": "conversation_cost",
    "limits.day_tokens": "day_tokens",
    "limits.day_cost": "day_cost",
    "knowledge.trusted": "knowledge_trusted",
}
PATH_OF = {field: path for path, field in PATHS.items()}
# What an agent without files leaves out, and has nonetheless.
DEFAULTS = {"knowledge.trusted": True}
# The files that a document names, each by `name` and `sha256`.
FILES_PATH = "knowledge.files"
# The skills, with their texts.
SKILLS_PATH = "skills"
# Fields that a document has only where they say something, and their values elsewhere.
OPTIONAL: dict[str, Any] = {
    "capabilities.memory.tokens": None,
    "capabilities.tool_settings": {},
    "capabilities.permissions": {},
    "capabilities.images": False,
    "answer.schema": "",
    **{f"limits.{period}_{unit}": None for period in ("conversation", "day") for unit in ("tokens", "cost")},
}
# What a document says of the provider's key: its name in the vault, and the address of a compatible server.
KEY_PATHS = ("provider.key", "provider.base_url", "provider.needs_key")
SECTIONS = {path.rsplit(".", depth)[0] for path in PATHS for depth in (1, 2) if path.count(".") >= depth}
