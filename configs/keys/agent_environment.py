"""The environment that a compiled agent gets: its provider's key, and the address that the key is sent to.

A revision is a document that was stored long ago, and it names both the variable that an agent takes its key
from and the one that it takes the address from. The key's address comes from the vault, never from the
document: one that differs gets no key.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from configs.models import AgentConfig, Revision
from configs.providers import PROVIDERS, Provider

from . import vault

_KEPT = "No key was sent. Compile the agent again."


class RevisionRefused(vault.KeyProblem):
    """A revision would lead a key elsewhere than the vault does."""


def environment_of(revision: Revision) -> dict[str, str]:
    """Return the environment variables that the agent of a revision needs to talk to its provider.

    Raises RevisionRefused, KeyMissing or KeyNeedsReentry.
    """
    stated = _provider_section(revision)
    provider = PROVIDERS.get(str(stated.get("code")))
    if provider is None:
        raise RevisionRefused(f"This forge does not know the provider of revision {revision.number}. {_KEPT}")
    names = {"api": provider.api, "base_url_env": provider.base_url_env}
    if stated.get("key_env") not in ("", provider.key_env) or any(
        stated.get(name) != value for name, value in names.items()
    ):
        raise RevisionRefused(
            f"Revision {revision.number} does not read its key and its address as agents for "
            f"{provider.label} do. {_KEPT}"
        )
    _check_address(revision.agent, provider, str(stated.get("base_url")))
    return vault.environment_for(revision.agent, provider.code)


def _provider_section(revision: Revision) -> dict[str, Any]:
    if hashlib.sha256(revision.canonical_json.encode()).hexdigest() != revision.sha256:
        raise RevisionRefused(f"Revision {revision.number} was changed after it was made. {_KEPT}")
    try:
        section = json.loads(revision.canonical_json)["provider"]
    except (ValueError, LookupError, TypeError):
        section = None
    if not isinstance(section, dict):
        raise RevisionRefused(f"Revision {revision.number} names no provider. {_KEPT}")
    return section


def _check_address(agent: AgentConfig, provider: Provider, stated: str) -> None:
    key = vault.key_of(agent, provider.code)
    if key is None or not vault.has_secret(key):
        return
    address = vault.address_of(key, provider)
    if stated != address:
        raise RevisionRefused(
            f"This agent was compiled for {stated}, but the key {key.name} for {provider.label} is for "
            f"{address}. {_KEPT}"
        )
