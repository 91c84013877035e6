"""System checks of the settings for the vault and the providers."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from agentforge import outbound

_MAKE = "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"


@register()
def check_vault_keys(**_: Any) -> list[CheckMessage]:
    """Report entries of AGENTFORGE_VAULT_KEYS that are not Fernet keys, by position."""
    errors: list[CheckMessage] = []
    for place, key in enumerate(settings.AGENTFORGE_VAULT_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            hint = f"Create one with: python -c {_MAKE!r}"
            errors.append(
                Error(
                    f"AGENTFORGE_VAULT_KEYS: entry {place} is not a Fernet key.", hint=hint, id="configs.E001"
                )
            )
    return errors


@register()
def check_operators_urls(**_: Any) -> list[CheckMessage]:
    """Report settings that should be a provider's URL but are not."""
    errors: list[CheckMessage] = []
    for name in ("LOCAL_MODEL_URL", "AGENTFORGE_OPENAI_URL", "AGENTFORGE_ANTHROPIC_URL"):
        url = getattr(settings, name)
        if not url:
            continue
        try:
            outbound.checked_url(url)
        except outbound.RefusedURL as error:
            hint = "Use a URL like http://127.0.0.1:8011/v1."
            errors.append(Error(f"{name}: {error}", hint=hint, id="configs.E002"))
    return errors
