"""What owners see of their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentforge.accounts.models import User
from configs.choices import KeyStatus
from configs.forms.stored_key import KeyForm, NewKeyForm, RenameForm
from configs.keys import vault
from configs.keys.keyring import Keyring, keyring_of
from configs.models import DEFAULT_KEY_NAME, AgentConfig, ApiKey
from configs.providers import PROVIDERS, Outcome, Provider
from configs.providers.model_servers import LOCAL_SERVERS
from configs.providers.offers import local_outcome

from .blank_keys import BlankKeyForm, blank_form, blank_head, blank_new_form

AnyKeyForm = KeyForm | BlankKeyForm


@dataclass(frozen=True)
class KeyRow:
    """One provider or key as shown, with the forms to replace, add and rename keys.

    `head` is what it says, as HTML, where that is the same for everybody.
    """

    provider: Provider
    form: AnyKeyForm
    head: str = ""
    adding: AnyKeyForm | None = None
    renaming: RenameForm | None = None
    key: ApiKey | None = None
    needs_reentry: bool = False
    local: Outcome | None = None
    agents: Sequence[AgentConfig] = field(default=())
    others: Sequence[ApiKey] = field(default=())

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
        """Return a stored key for scripts, without the key itself."""
        names = ("id", "provider", "name", "base_url", "last_four", "fingerprint", "status", "status_detail",
                 "checked_at", "check_ms")  # fmt: skip
        return {
            **{name: getattr(self.key, name) for name in names},
            "needs_reentry": self.needs_reentry,
            "agents": [{"id": agent.pk, "name": agent.name} for agent in self.agents],
        }


def key_rows(agent: AgentConfig, ring: Keyring, refused: KeyForm | None = None) -> list[KeyRow]:
    """Return a row for each provider; `refused` is an invalid form to show again."""
    shown = [
        provider
        for provider in PROVIDERS.values()
        # Of the servers that may run on a machine, those that do, or that the agent needs.
        if (provider not in LOCAL_SERVERS or not provider.unavailable or provider.code == agent.provider)
        and provider.key_code == provider.code
    ]
    return [_key_row(ring, agent, provider, refused) for provider in shown]


def _key_row(ring: Keyring, agent: AgentConfig, provider: Provider, refused: KeyForm | None) -> KeyRow:
    key = vault.key_in_use(ring.keys, provider.code, agent.api_key_id)
    if refused is not None and refused.provider is not provider:
        refused = None
    is_new = isinstance(refused, NewKeyForm)
    return KeyRow(
        provider=provider,
        form=refused if refused is not None and not is_new else _form(provider, key),
        head=blank_head(provider) if not (key or provider.is_local or provider.unavailable) else "",
        adding=(refused if refused is not None and is_new else _new_form(provider, ring)) if key else None,
        key=key,
        needs_reentry=key is not None and not vault.is_readable(key),
        local=local_outcome(provider) if provider.is_local else None,
        others=[other for other in ring.keys if other.provider == provider.code and other != key],
    )


def _form(provider: Provider, key: ApiKey | None) -> AnyKeyForm:
    """Return the form for a provider's key, with the base URL of the one in use."""
    return KeyForm(provider=provider, base_url=key.base_url) if key and key.base_url else blank_form(provider)


def _new_form(provider: Provider, ring: Keyring) -> BlankKeyForm:
    return blank_new_form(provider, is_first=DEFAULT_KEY_NAME not in ring.names(provider.code))


def stored_rows(user: User, *refused: tuple[ApiKey, KeyForm | RenameForm]) -> list[KeyRow]:
    """Return a row for each of a user's keys, with the agents that use it, in two queries.

    `refused` is a key and its invalid form to show again.
    """
    ring = keyring_of(user.pk)
    users = ring.users(AgentConfig.objects.owned_by(user).order_by("name", "pk"))
    invalid = {(key.pk, type(form)): form for key, form in refused}
    rows = []
    for key in ring.keys:
        # Keys of providers that were removed from the forge are not shown.
        if provider := PROVIDERS.get(key.provider):
            form, renaming = invalid.get((key.pk, KeyForm)), invalid.get((key.pk, RenameForm))
            rows.append(
                KeyRow(
                    provider=provider,
                    form=form if isinstance(form, KeyForm) else replacement_form(key, provider),
                    renaming=renaming if isinstance(renaming, RenameForm) else RenameForm(key=key, taken=()),
                    key=key,
                    needs_reentry=not vault.is_readable(key),
                    agents=users[key.pk],
                )
            )
    return rows


def new_key_forms(user: User, refused: NewKeyForm | None = None) -> list[AnyKeyForm]:
    """Return a form for each provider that takes keys; `refused` is an invalid one to show again."""
    ring = keyring_of(user.pk)
    return [
        refused if refused is not None and refused.provider is provider else _new_form(provider, ring)
        for provider in PROVIDERS.values()
        if not provider.is_local and not provider.unavailable and not provider.keys_of
    ]


def replacement_form(key: ApiKey, provider: Provider, data: Mapping[str, Any] | None = None) -> KeyForm:
    """Return the form to replace a stored key."""
    return KeyForm(data, provider=provider, base_url=key.base_url, page_id=f"key_{key.pk}")
