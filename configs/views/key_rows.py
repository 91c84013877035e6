"""Say of each key what its owner may see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentforge.accounts.models import User
from configs import vault
from configs.choices import KeyStatus
from configs.forms.key import KeyForm
from configs.keyring import keyring_of
from configs.models import AgentConfig, ApiKey
from configs.offers import local_outcome
from configs.providers import PROVIDERS, Outcome, Provider
from configs.providers.local import LOCAL


@dataclass(frozen=True)
class KeyRow:
    """Hold what is shown of one provider or key."""

    provider: Provider
    form: KeyForm
    key: ApiKey | None = None
    needs_reentry: bool = False
    local: Outcome | None = None
    agents: Sequence[AgentConfig] = field(default=())

    @property
    def state(self) -> str:
        if self.needs_reentry:
            return "warning"
        if self.local is not None:
            return self.local.status
        return self.key.status if self.key else "pending"

    @property
    def word(self) -> str:
        if self.needs_reentry:
            return "Needs re-entry"
        if self.local is not None:
            return "Answering" if self.local.status == KeyStatus.VALID else "Not answering"
        return str(self.key.get_status_display()) if self.key else "No key"

    def as_json(self) -> dict[str, Any]:
        """Return what scripts learn of a stored key: never the key."""
        names = ("id", "provider", "base_url", "last_four", "fingerprint", "status", "status_detail",
                 "checked_at", "check_ms")  # fmt: skip
        return {
            **{name: getattr(self.key, name) for name in names},
            "needs_reentry": self.needs_reentry,
            "agents": [{"id": agent.pk, "name": agent.name} for agent in self.agents],
        }


def key_rows(agent: AgentConfig, refused: KeyForm | None = None) -> list[KeyRow]:
    """Return a row for each provider that is offered here; `refused` is shown in its place."""
    keys: dict[str, ApiKey] = {key.provider: key for key in ApiKey.objects.filter(owner_id=agent.owner_id)}
    rows = []
    for provider in PROVIDERS.values():
        key = keys.get(provider.code)
        form = KeyForm(provider=provider, base_url=key.base_url if key else "")
        if refused is not None and refused.provider is provider:
            form = refused
        rows.append(
            KeyRow(
                provider=provider,
                form=form,
                key=key,
                needs_reentry=key is not None and not vault.is_readable(key),
                local=local_outcome() if provider is LOCAL else None,
            )
        )
    return rows


def stored_rows(user: User, refused: tuple[ApiKey, KeyForm] | None = None) -> list[KeyRow]:
    """Return a row for each key of a person, with the agents that use it; two queries, however many.

    `refused` is a key and the form that could not replace it.
    """
    ring = keyring_of(user.pk)
    users = ring.users(AgentConfig.objects.owned_by(user).order_by("name", "pk"))
    rows = []
    for key in ring.keys:
        # A provider that was taken out of the forge leaves keys that can only be removed.
        if provider := PROVIDERS.get(key.provider):
            form = replacement_form(key, provider)
            if refused is not None and refused[0].pk == key.pk:
                form = refused[1]
            rows.append(KeyRow(provider, form, key, not vault.is_readable(key), agents=users[key.pk]))
    return rows


def replacement_form(key: ApiKey, provider: Provider, data: Mapping[str, Any] | None = None) -> KeyForm:
    """Return the form that takes another key in place of a stored one."""
    return KeyForm(data, provider=provider, base_url=key.base_url, page_id=f"key_{key.pk}")
