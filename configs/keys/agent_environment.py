"""The environment that an agent gets: its providers' keys, and the addresses that they are sent to.

A revision is a document that was stored long ago, and so is a draft that was asked. It names both the
variable that an agent takes its key from and the one that it takes the address from. The key's address comes
from the vault, never from the document: one that differs gets no key.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from configs.models import AgentConfig, Revision
from configs.providers import PROVIDERS, Provider

from . import vault
from .service_keys import service_variables


class RevisionRefused(vault.KeyProblem):
    """A revision or a draft would lead a key elsewhere than the vault does."""


@dataclass(frozen=True)
class _Subject:
    """The document that an agent answers by, and the words for it in a refusal."""

    agent: AgentConfig
    document: str
    name: str
    aim: str
    remedy: str

    def refusal(self, reason: str) -> RevisionRefused:
        return RevisionRefused(f"{reason} No key was sent. {self.remedy}")


def environment_of(revision: Revision) -> dict[str, str]:
    """Return the environment variables that the agent of a revision needs to talk to its provider.

    Raises RevisionRefused, KeyMissing or KeyNeedsReentry.
    """
    name, aim = f"Revision {revision.number}", "This agent was compiled for"
    subject = _Subject(revision.agent, revision.canonical_json, name, aim, "Compile the agent again.")
    if hashlib.sha256(revision.canonical_json.encode()).hexdigest() != revision.sha256:
        raise subject.refusal(f"{name} was changed after it was made.")
    return _environment(subject)


def environment_of_draft(agent: AgentConfig, document: str) -> dict[str, str]:
    """Return the same for a draft, by its canonical JSON as it was when it was asked."""
    return _environment(_Subject(agent, document, "The draft", "The draft was asked for", "Ask again."))


def _environment(subject: _Subject) -> dict[str, str]:
    stated = _provider_section(subject, "provider")
    variables = _variables_of(subject, stated)
    if fallback := _provider_section(subject, "fallback"):
        # An agent with a provider that answers does without its fallback, and says so when it would ask it.
        with suppress(vault.KeyMissing, vault.KeyNeedsReentry):
            variables = {**_variables_of(subject, fallback), **variables}
    return {**service_variables(subject.agent, subject.document), **variables}


def _variables_of(subject: _Subject, stated: dict[str, Any]) -> dict[str, str]:
    provider = PROVIDERS.get(str(stated.get("code")))
    if provider is None:
        raise subject.refusal(f"This forge does not know the provider of {_inside(subject.name)}.")
    names = {"api": provider.api, "base_url_env": provider.base_url_env}
    if stated.get("key_env") not in ("", provider.key_env) or any(
        stated.get(name) != value for name, value in names.items()
    ):
        raise subject.refusal(
            f"{subject.name} does not read its key and its address as agents for {provider.label} do."
        )
    _check_address(subject, provider, str(stated.get("base_url")))
    return vault.environment_for(subject.agent, provider.code)


def _inside(name: str) -> str:
    return name[0].lower() + name[1:]


def _provider_section(subject: _Subject, name: str) -> dict[str, Any]:
    """Return what a document says of a provider; empty for a fallback that it does not have."""
    try:
        document = json.loads(subject.document)
        section = document["provider"] if name == "provider" else document.get(name, {})
    except (ValueError, LookupError, TypeError, AttributeError):
        section = None
    if not isinstance(section, dict):
        raise subject.refusal(f"{subject.name} names no provider.")
    return section


def _check_address(subject: _Subject, provider: Provider, stated: str) -> None:
    key = vault.key_of(subject.agent, provider.code)
    if key is None or not vault.has_secret(key):
        return
    address = vault.address_of(key, provider)
    if stated != address:
        raise subject.refusal(
            f"{subject.aim} {stated}, but the key {key.name} for {provider.label} is for {address}."
        )
