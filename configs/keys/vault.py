"""The vault stores users' API keys as ciphertext (law 3), decrypted only on use.

The encryption keys are AGENTFORGE_VAULT_KEYS, newest first; if unset, one is created in `var/secrets/vault`.
A ciphertext is bound to its owner, provider and base URL: moved to another row, or with a changed URL, it
can't be decrypted, so a key can't be sent to anybody else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.machines import sharing
from agentforge.shared_secrets import VAULT
from agentforge.tenancy.rls import as_service
from configs.announcements import announce_account
from configs.models import DEFAULT_KEY_NAME, AgentConfig, ApiKey
from configs.providers import PROVIDERS, Provider

_FINGERPRINT_SALT = "configs.keys.vault.fingerprint"


class KeyProblem(Exception):
    """A key can't be used; the message is for its owner."""


class KeyNeedsReentry(KeyProblem):
    """The vault can no longer decrypt the key: its owner has to enter it again."""


class KeyMissing(KeyProblem):
    """There is no key for a provider that needs one."""


class NameTaken(Exception):
    """Another of the user's keys for this provider has this name."""


def encryption_keys() -> list[str]:
    """Return the vault's Fernet keys, newest first."""
    return sharing.value_of(VAULT).split()


def box() -> MultiFernet:
    """Return a MultiFernet: it encrypts with the newest key and decrypts with any.

    Raises ValueError if one of the keys is not a Fernet key; a system check reports which.
    """
    return MultiFernet([Fernet(key) for key in encryption_keys()])


@performs(Act.SAVE_KEY)
def save_key(
    owner: User | UUID, provider: str, plaintext: str, base_url: str = "", *, name: str = DEFAULT_KEY_NAME
) -> ApiKey:
    """Store a user's key for a provider, replacing one of the same name; its status is unverified."""
    owner_id = _id(owner)
    key: ApiKey
    columns: dict[str, Any] = {
        "base_url": base_url,
        "ciphertext": box().encrypt(_bound(owner_id, provider, base_url, plaintext)),
        # Four characters would reveal too much of a short key.
        "last_four": plaintext[-4:] if len(plaintext) >= 16 else "",
        "fingerprint": fingerprint(owner_id, plaintext) if plaintext else "",
        "status": "unverified",
        "status_detail": "",
        "models_offered": [],
        "checked_at": None,
        "check_ms": None,
    }
    with as_service():
        key, is_new = ApiKey.objects.update_or_create(
            owner_id=owner_id, provider=provider, name=name, defaults=columns
        )
    record(Action.KEY_SAVED if is_new else Action.KEY_REPLACED, owner=owner_id, subject=key)
    announce_account(owner_id)
    return key


@performs(Act.RENAME_KEY)
def rename_key(key: ApiKey, name: str) -> None:
    """Rename a user's key. Raises NameTaken."""
    before, key.name = key.name, name
    try:
        with transaction.atomic(), as_service():
            key.save(update_fields=["name", "updated_at"])
            record(Action.KEY_RENAMED, owner=key.owner_id, subject=key, before=before)
            announce_account(key.owner_id)
    except IntegrityError as error:
        raise NameTaken(name) from error


@performs(Act.REMOVE_KEY)
def remove_key(key: ApiKey) -> None:
    """Delete a user's key."""
    with transaction.atomic(), as_service():
        record(Action.KEY_REMOVED, owner=key.owner_id, subject=key)
        announce_account(key.owner_id)
        key.delete()


def values_to_redact(owner_id: UUID) -> list[str]:
    """Return all of a user's keys, only for redaction, which is not logged as a use."""
    keys = ApiKey.objects.filter(owner_id=owner_id).defer("models_offered")
    values = []
    for key in keys:
        with suppress(KeyNeedsReentry):
            values.append(_decrypt(key))
    return values


@performs(Act.READ_KEY)
def reveal(key: ApiKey, purpose: str) -> str:
    """Return a key's plaintext, empty for a server that needs none; `purpose` goes to its owner's audit log.

    Raises KeyNeedsReentry if no encryption key decrypts it, or it is not bound to this row.
    """
    plaintext = _decrypt(key)
    record(Action.KEY_USED, owner=key.owner_id, subject=key, purpose=purpose)
    return plaintext


def is_readable(key: ApiKey) -> bool:
    """Return whether the vault can still decrypt a key."""
    try:
        _decrypt(key)
    except KeyNeedsReentry:
        return False
    return True


def has_secret(key: ApiKey) -> bool:
    """Return whether a row has a key, not only the URL of a server that needs none."""
    return bool(key.fingerprint)


def fingerprint(owner: User | UUID, plaintext: str) -> str:
    """Return 16 hex digits that distinguish a user's keys, but can't be compared between users.

    A keyed hash, so that somebody who reads the table can't test candidates.
    """
    return salted_hmac(f"{_FINGERPRINT_SALT}.{_id(owner)}", plaintext, algorithm="sha256").hexdigest()[:16]


def stored_under(provider_code: str) -> str:
    """Return the code that the keys for a provider are stored under."""
    provider = PROVIDERS.get(provider_code)
    return provider.key_code if provider else provider_code


def key_in_use(keys: Iterable[ApiKey], provider_code: str, chosen: int | None) -> ApiKey | None:
    """Return the owner's key that an agent uses for a provider: the chosen one, or else the oldest."""
    code = stored_under(provider_code)
    candidates = sorted((key for key in keys if key.provider == code), key=lambda key: key.pk)
    return next((key for key in candidates if key.pk == chosen), candidates[0] if candidates else None)


def key_of(agent: AgentConfig, provider_code: str) -> ApiKey | None:
    """Return the key that an agent uses for a provider, in one query."""
    keys = ApiKey.objects.filter(owner_id=agent.owner_id, provider=stored_under(provider_code))
    return key_in_use(keys, provider_code, agent.api_key_id)


def address_of(key: ApiKey | None, provider: Provider) -> str:
    """Return the base URL that a key is for."""
    return key.base_url if key and provider.asks_base_url else provider.base_url


def environment_for(agent: AgentConfig, provider_code: str) -> dict[str, str]:
    """Return the environment variables that an agent needs to talk to a provider.

    Raises KeyMissing or KeyNeedsReentry.
    """
    provider = PROVIDERS[provider_code]
    key = key_of(agent, provider_code)
    if key is None and (provider.needs_key or provider.asks_base_url):
        raise KeyMissing(f"No key for {provider.label} is saved. Add it in the tab API keys.")
    variables = {provider.base_url_env: address_of(key, provider)}
    if key is not None and provider.key_env and has_secret(key):
        variables[provider.key_env] = reveal(key, f"given to {agent.name}")
    return variables


_REENTRY = "The vault can't read the key for {label} any more. Enter it again in the tab API keys."


def _decrypt(key: ApiKey) -> str:
    problem = KeyNeedsReentry(_REENTRY.format(label=_label(key.provider)))
    try:
        content: Any = json.loads(box().decrypt(bytes(key.ciphertext)))
    except (InvalidToken, ValueError) as error:
        raise problem from error
    if content[:3] != [str(key.owner_id), key.provider, key.base_url]:
        raise problem
    plaintext: str = content[3]
    return plaintext


def _label(code: str) -> str:
    provider = PROVIDERS.get(code)
    return provider.label if provider else code


def _bound(owner_id: UUID, provider: str, base_url: str, plaintext: str) -> bytes:
    return json.dumps([str(owner_id), provider, base_url, plaintext]).encode()


def _id(owner: User | UUID) -> UUID:
    return owner if isinstance(owner, UUID) else owner.pk
