"""Which of their owner's keys agents use, and why an agent can't use its key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from agentforge.prepared_queries import Parameter, PreparedQuery, Question
from configs.choices import KeyStatus
from configs.models import AgentConfig, ApiKey
from configs.providers import PROVIDERS

from . import vault


@dataclass(frozen=True)
class KeyTrouble:
    """Why an agent can't use its key: a label, a sentence, and the remedy with its URL."""

    word: str
    sentence: str
    remedy: str
    url: str


@dataclass(frozen=True)
class Keyring:
    """One owner's keys."""

    keys: tuple[ApiKey, ...]

    def key_of(self, agent: AgentConfig) -> ApiKey | None:
        """Return the key that an agent of this owner uses."""
        return vault.key_in_use(self.keys, agent.provider, agent.api_key_id)

    def fallback_key_of(self, agent: AgentConfig) -> ApiKey | None:
        """Return the key that an agent of this owner uses when its provider fails."""
        return vault.key_in_use(self.keys, agent.fallback_provider, agent.api_key_id)

    def names(self, provider_code: str, but: ApiKey | None = None) -> list[str]:
        """Return the names of the keys for a provider, except that of `but`."""
        return [key.name for key in self.keys if key.provider == provider_code and key != but]

    def key_without(self, gone: ApiKey, agent: AgentConfig) -> ApiKey | None:
        """Return the key that an agent would use if one of the keys were removed."""
        left = [key for key in self.keys if key != gone]
        return vault.key_in_use(left, gone.provider, agent.api_key_id)

    def users(self, agents: Iterable[AgentConfig]) -> dict[int, list[AgentConfig]]:
        """Return the owner's agents that use each key, by the key's id."""
        users: dict[int, list[AgentConfig]] = {key.pk: [] for key in self.keys}
        for agent in agents:
            used = (self.key_of(agent), self.fallback_key_of(agent))
            for number in {key.pk for key in used if key}:
                users[number].append(agent)
        return users

    def trouble_of(self, agent: AgentConfig) -> KeyTrouble | None:
        """Return what is known to be wrong with an agent's key, without asking the provider."""
        provider = PROVIDERS.get(agent.provider)
        if provider is None or provider.unavailable or not (provider.needs_key or provider.asks_base_url):
            return None
        trouble = _trouble(self.key_of(agent), provider.label)
        if trouble is None:
            return None
        url = f"{reverse('configs:keys', args=[agent.pk])}#key-{provider.key_code}"
        return KeyTrouble(*trouble, url)


_keys_of = PreparedQuery(
    lambda: ApiKey.objects.filter(owner_id=Parameter("owner")).defer("models_offered").order_by("pk")
)


def keyring_of(owner_id: UUID) -> Keyring:
    """Return an owner's keys in the order of the providers, in one query."""
    return keyring_with(_keys_of(owner=owner_id))


def keys_question(owner_id: UUID) -> Question[ApiKey]:
    """Return the question for an owner's keys."""
    return _keys_of.question(owner=owner_id)


def keyring_with(keys: Iterable[ApiKey]) -> Keyring:
    """Return an owner's keys in the order of the providers."""
    order = {code: place for place, code in enumerate(PROVIDERS)}
    return Keyring(tuple(sorted(keys, key=lambda key: order.get(key.provider, len(order)))))


def _trouble(key: ApiKey | None, label: str) -> tuple[str, str, str] | None:
    if key is None:
        return "No key", f"No key for {label} is saved, so this agent can't answer.", "Add a key"
    if not vault.is_readable(key):
        return (
            "Key needs re-entry",
            f"The vault can't read the key for {label} any more, so this agent can't answer.",
            "Enter it again",
        )
    if key.status == KeyStatus.INVALID:
        return (
            "Key refused",
            f"{label} refused the key that this agent uses, so it can't answer.",
            "Replace the key",
        )
    return None
