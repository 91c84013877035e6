"""System checks of the settings for the vault and the providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from agentforge import outbound
from configs.providers import PROVIDERS, prices

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
    names = ("LOCAL_MODEL_URL", "AGENTFORGE_OPENAI_URL", "AGENTFORGE_ANTHROPIC_URL")
    urls = {name: getattr(settings, name) for name in names}
    others = settings.AGENTFORGE_PROVIDER_URLS
    urls |= {f"AGENTFORGE_PROVIDER_URLS: {code}": url for code, url in others.items()}
    errors: list[CheckMessage] = []
    if unknown := sorted(set(others) - set(PROVIDERS)):
        known = [provider.code for provider in PROVIDERS.values() if provider.address]
        hint = f"The providers are {', '.join(known)}."
        names_unknown = f"AGENTFORGE_PROVIDER_URLS names unknown providers: {', '.join(unknown)}."
        errors.append(Error(names_unknown, hint=hint, id="configs.E003"))
    for name, url in urls.items():
        if not url:
            continue
        try:
            outbound.checked_url(url)
        except outbound.RefusedURL as error:
            hint = "Use a URL like http://127.0.0.1:8011/v1."
            errors.append(Error(f"{name}: {error}", hint=hint, id="configs.E002"))
    return errors


@register()
def check_prices(**_: Any) -> list[CheckMessage]:
    """Report a list of prices that can't be read."""
    if not settings.AGENTFORGE_PRICES:
        return []
    try:
        prices.check(Path(settings.AGENTFORGE_PRICES).read_text(encoding="utf-8"))
    except (OSError, UnicodeError, prices.InvalidPrices) as error:
        hint = "Correct the file, or unset the variable to use the prices that come with the forge."
        return [Error(f"AGENTFORGE_PRICES: {error}.", hint=hint, id="configs.E004")]
    return []
