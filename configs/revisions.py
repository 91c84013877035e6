"""Create Revisions of drafts as canonical JSON, which is identical for identical content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Max

from agentforge.audit.request_actor import current_actor
from agentforge.tenancy.rls import as_service

from . import answer_schema
from .choices import ResponseLength
from .keys.vault import has_secret, key_in_use
from .models import AgentConfig, ApiKey, Revision, lock_agent
from .prompt.assembly import system_prompt
from .providers import PROVIDERS
from .providers.prices import price_of

SCHEMA = 1
_NO_SERVER: Mapping[str, Any] = MappingProxyType({})

# The token limit that is sent to the provider for each response length.
MAX_TOKENS: dict[str, int] = {
    ResponseLength.BRIEF: 256,
    ResponseLength.BALANCED: 1024,
    ResponseLength.DETAILED: 4096,
}


def canonical_json(value: object) -> str:
    """Return sorted, compact JSON that encodes as UTF-8.

    Raises ValueError for NaN, infinity and lone surrogates (as UnicodeEncodeError).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


def configuration(
    agent: AgentConfig, *, base_url: str = "", keyless: bool = False, fallback: Mapping[str, Any] = _NO_SERVER
) -> dict[str, Any]:
    """Return the content of agent.json for a draft, with those of its files that are ready.

    `base_url` overrides the provider's; `keyless` is for a server that needs no key. `fallback` has the same
    for the fallback.
    """
    files = [file for file in agent.knowledge if file["text"]]
    content = {
        "schema": SCHEMA,
        **({"knowledge": _knowledge(agent, files)} if files else {}),
        **({"skills": agent.skills} if agent.skills else {}),
        "identity": {
            "name": agent.name,
            "handle": agent.handle,
            "type": agent.type,
            "description": agent.description,
            "version": agent.version,
        },
        "provider": {
            **PROVIDERS[agent.provider].manifest(base_url, keyless=keyless),
            **_structured_output(agent, agent.provider),
            **_price(agent, agent.provider, agent.model),
            "model": agent.model,
        },
        "personality": {
            "preset": agent.preset,
            "traits": list(agent.traits),
            "communication_style": agent.communication_style,
            "tone": agent.tone,
            "response_length": agent.response_length,
            "creativity": float(agent.creativity),
            "custom_instructions": agent.custom_instructions,
        },
        "system_prompt": system_prompt(agent).text,
        "sampling": {
            "temperature": float(agent.creativity),
            "max_tokens": MAX_TOKENS[agent.response_length],
        },
        "capabilities": {
            "memory": {
                "enabled": agent.memory,
                "turns": agent.memory_turns,
                **({"tokens": agent.memory_tokens} if agent.memory_tokens else {}),
            },
            "tools": sorted(agent.tools),
            # Only where they say something, so that other agents are what they were before.
            **({"tool_settings": agent.tool_settings} if agent.tool_settings else {}),
            **({"permissions": agent.permissions} if agent.permissions else {}),
            **({"images": True} if agent.images else {}),
        },
        "limits": {
            "tool_rounds": agent.tool_rounds,
            "seconds": agent.time_limit_seconds,
            "memory_mb": agent.memory_limit_mb,
            **_budget(agent),
        },
    }
    if agent.answer_schema:
        content["answer"] = _answer(agent.answer_schema)
    # Only where it is chosen: the agents without one stay as they are, byte for byte.
    if provider := PROVIDERS.get(agent.fallback_provider):
        content["fallback"] = {
            **provider.manifest(**fallback),
            **_structured_output(agent, agent.fallback_provider),
            **_price(agent, agent.fallback_provider, agent.fallback_model),
            "model": agent.fallback_model,
        }
    return content


def _answer(schema: str) -> dict[str, Any]:
    return {"schema": schema, "strict": answer_schema.is_strict(json.loads(schema))}


def _structured_output(agent: AgentConfig, code: str) -> dict[str, str]:
    """Return how a provider learns the form of the answers, where it is not by their schema."""
    takes = PROVIDERS[code].structured_output
    return {"structured_output": takes} if agent.answer_schema and takes != "schema" else {}


def _budget(agent: AgentConfig) -> dict[str, float]:
    """Return the limits of what answers use together, as far as there are any."""
    tokens = {name: getattr(agent, name) for name in ("conversation_tokens", "day_tokens")}
    costs = {name: getattr(agent, name) for name in ("conversation_cost", "day_cost")}
    given = {**tokens, **{name: float(cost) for name, cost in costs.items() if cost}}
    return {name: limit for name, limit in given.items() if limit}


def _price(agent: AgentConfig, provider: str, model: str) -> dict[str, Any]:
    """Return what a model costs, for an agent that limits costs."""
    if not (agent.conversation_cost or agent.day_cost):
        return {}
    price = price_of(provider, model)
    return {"price": price.as_json()} if price else {}


def _knowledge(agent: AgentConfig, files: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "files": [{name: file[name] for name in ("name", "sha256", "text")} for file in files],
        "trusted": agent.knowledge_trusted,
    }


def draft_json(agent: AgentConfig) -> str:
    """Return the canonical JSON that a new revision of a saved draft would have."""
    codes = [agent.provider, agent.fallback_provider]
    named = [code for code in codes if (known := PROVIDERS.get(code)) and known.asks_base_url]
    keys = ApiKey.objects.filter(owner_id=agent.owner_id, provider__in=named)
    return _json_with(agent, keys if named else ())


def draft_sha256(agent: AgentConfig, keys: Iterable[ApiKey]) -> str:
    """Return the sha256 that a new revision of a draft would have; empty for one that can't be compiled.

    `keys` are its owner's.
    """
    try:
        text = _json_with(agent, keys)
    except (KeyError, ValueError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


def _json_with(agent: AgentConfig, keys: Iterable[ApiKey]) -> str:
    keys = list(keys)
    fallback = _server(agent, agent.fallback_provider, keys)
    return canonical_json(configuration(agent, **_server(agent, agent.provider, keys), fallback=fallback))


def _server(agent: AgentConfig, code: str, keys: Iterable[ApiKey]) -> dict[str, Any]:
    """Return what a key says of a provider whose address its users give."""
    provider = PROVIDERS.get(code)
    key = key_in_use(keys, code, agent.api_key_id) if provider and provider.asks_base_url else None
    return {"base_url": key.base_url, "keyless": not has_secret(key)} if key else {}


def create_revision(agent: AgentConfig) -> Revision:
    """Return the revision of a saved draft: the existing one with this content, or a new one."""
    with transaction.atomic(), as_service():
        locked = lock_agent(agent.pk)
        text = draft_json(locked)
        digest = hashlib.sha256(text.encode()).hexdigest()
        existing: Revision | None = Revision.objects.filter(agent=locked, sha256=digest).first()
        if existing:
            return existing
        newest: int = Revision.objects.filter(agent=locked).aggregate(n=Max("number"))["n"] or 0
        return Revision.objects.create(
            owner_id=locked.owner_id,
            agent=locked,
            number=newest + 1,
            canonical_json=text,
            sha256=digest,
            author=current_actor().label[: Revision.AUTHOR_LENGTH],
        )
