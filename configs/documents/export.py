"""Write an agent's draft as a YAML document that `document.parse` reads back."""

from __future__ import annotations

from typing import Any

from configs.keys.vault import has_secret, key_of
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.revisions import SCHEMA
from configs.skills.entries import KEYS

from .paths import OPTIONAL, PATHS
from .room import dump

_HEADER = """\
# An agent of AgentForge. Import it on a forge, or compile it:
# python manage.py build_agent {handle}.yaml --out {handle}/
"""


def export(agent: AgentConfig) -> str:
    """Return a saved draft as YAML; of its provider's key only the name and the server's address."""
    content: dict[str, Any] = {"schema": SCHEMA}
    values = agent.values_of(PATHS.values())
    values["tools"] = sorted(values["tools"])
    for path, name in PATHS.items():
        if path in OPTIONAL and not values[name]:
            continue
        *sections, last = path.split(".")
        inner = content
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[last] = values[name]
    content["knowledge"] = _knowledge(agent)
    if not content["knowledge"]:
        del content["knowledge"]
    if agent.skills:
        content["skills"] = [{key: skill[key] for key in KEYS if key in skill} for skill in agent.skills]
    content["provider"] = _provider(agent)
    for section, chosen in (("provider", content["provider"]), ("fallback", agent.fallback_provider)):
        if not chosen:
            del content[section]
    return _HEADER.format(handle=agent.handle) + dump(content)


def _knowledge(agent: AgentConfig) -> dict[str, Any]:
    """Return the files by name and sha256, which tell them; whoever imports the document adds them."""
    section: dict[str, Any] = {} if agent.knowledge_trusted else {"trusted": False}
    if agent.knowledge:
        section["files"] = [{"name": file["name"], "sha256": file["sha256"]} for file in agent.knowledge]
    return section


def _provider(agent: AgentConfig) -> dict[str, Any]:
    provider = PROVIDERS.get(agent.provider)
    if provider is None:
        return {}
    section: dict[str, Any] = {"code": provider.code}
    if agent.model:
        section["model"] = agent.model
    key = key_of(agent, provider.code)
    if key and key.pk == agent.api_key_id:
        section["key"] = key.name
    if key and provider.asks_base_url:
        section |= {"base_url": key.base_url, "needs_key": has_secret(key)}
    return section
