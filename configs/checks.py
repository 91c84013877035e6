"""Check the settings of the vault and the providers when Django starts."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from agentforge import outbound

_MAKE = "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"


@register()
def check_vault_keys(**_: Any) -> list[CheckMessage]:
    """Name the entries of AGENTFORGE_VAULT_KEYS that are no Fernet keys, by their place."""
    found: list[CheckMessage] = []
    for place, key in enumerate(settings.AGENTFORGE_VAULT_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            hint = f"Make one with: python -c {_MAKE!r}"
            found.append(
                Error(f"AGENTFORGE_VAULT_KEYS: entry {place} is no Fernet key.", hint=hint, id="configs.E001")
            )
    return found


@register()
def check_operators_urls(**_: Any) -> list[CheckMessage]:
    """Name the settings that should hold a provider's URL and do not."""
    found: list[CheckMessage] = []
    for name in ("LOCAL_MODEL_URL", "AGENTFORGE_OPENAI_URL", "AGENTFORGE_ANTHROPIC_URL"):
        url = getattr(settings, name)
        if not url:
            continue
        try:
            outbound.checked_url(url)
        except outbound.RefusedURL as error:
            hint = "Use a URL like http://127.0.0.1:8011/v1."
            found.append(Error(f"{name}: {error}", hint=hint, id="configs.E002"))
    return found
