"""The JSON Schema of a document, made from the wizard's forms."""

from __future__ import annotations

from typing import Any

from agentforge.openapi.schemas import BOOLEAN, STRING, field_schema
from configs.forms import TAB_FORMS
from configs.knowledge.names import LONGEST_NAME, MOST_FILES
from configs.providers import PROVIDERS
from configs.revisions import SCHEMA
from configs.skills import entries

from .paths import PATHS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REQUIRED = {"": ["identity"], "identity": ["name"], "provider": ["code"], "fallback": ["code", "model"]}
_SERVER = {
    "key": {**STRING, "title": "Key", "description": "The name of one of your keys; if absent, the oldest."},
    "base_url": {**STRING, "description": "The address of a compatible server."},
    "needs_key": {**BOOLEAN, "description": "Whether that server asks for a key."},
}
_FILES = {
    "type": "array",
    "title": "Files",
    "description": "The agent's files. After an import, add them: they are known by their content.",
    "maxItems": MOST_FILES,
    "items": {
        "type": "object",
        "properties": {
            "name": {**STRING, "minLength": 1, "maxLength": LONGEST_NAME},
            "sha256": {**STRING, "pattern": "^[0-9a-f]{64}$"},
        },
        "required": ["name", "sha256"],
        "additionalProperties": False,
    },
}

_SKILLS = {
    "type": "array",
    "title": "Skills",
    "description": "Instructions for particular tasks, with files; see agentskills.io.",
    "maxItems": entries.MOST_SKILLS,
    "items": {
        "type": "object",
        "properties": {
            "name": {**STRING, "pattern": f"^{entries.NAME.pattern}$", "maxLength": entries.LONGEST_NAME},
            "description": {**STRING, "minLength": 1, "maxLength": entries.LONGEST_DESCRIPTION},
            "instructions": {**STRING, "minLength": 1},
            "compatibility": {**STRING, "maxLength": entries.LONGEST_COMPATIBILITY},
            "license": {**STRING, "maxLength": entries.LONGEST_LICENSE},
            "files": {
                "type": "array",
                "maxItems": entries.MOST_FILES,
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {**STRING, "minLength": 1, "maxLength": entries.LONGEST_PATH},
                        "text": STRING,
                    },
                    "required": ["path", "text"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["name", "description", "instructions"],
        "additionalProperties": False,
    },
}


def schema() -> dict[str, Any]:
    """Return the schema of version 1 of a document."""
    root = _section("")
    root["properties"]["schema"] = {"const": SCHEMA, "description": "The version of this format."}
    fields = {name: field for form in TAB_FORMS.values() for name, field in form.base_fields.items()}
    for path, name in PATHS.items():
        *sections, last = path.split(".")
        inner, place = root, ""
        for section in sections:
            place = f"{place}.{section}".lstrip(".")
            inner = inner["properties"].setdefault(section, _section(place))
        inner["properties"][last] = field_schema(fields[name])
    root["properties"]["knowledge"]["properties"]["files"] = _FILES
    root["properties"]["skills"] = _SKILLS
    provider = root["properties"]["provider"]["properties"]
    # Every provider that AgentForge knows, not only those that this forge offers.
    provider["code"] = {**provider["code"], "enum": list(PROVIDERS)}
    fallback = root["properties"]["fallback"]["properties"]
    fallback["code"] = {**fallback["code"], "enum": list(PROVIDERS)}
    provider |= _SERVER
    return {"$schema": DIALECT, "title": "Agent", **root}


def _section(path: str) -> dict[str, Any]:
    section: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    if path in _REQUIRED:
        section["required"] = _REQUIRED[path]
    return section
