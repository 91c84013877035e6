"""System checks of the hosts' settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from agentforge import outbound


@register()
def check_netlify_application(**_: Any) -> list[CheckMessage]:
    """Report an OAuth application with only one of its two settings."""
    values = {name: getattr(settings, name) for name in ("NETLIFY_CLIENT_ID", "NETLIFY_CLIENT_SECRET")}
    missing = [name for name, value in values.items() if not value]
    if len(missing) != 1:
        return []
    hint = (
        "Netlify shows both under User settings, Applications, OAuth. The redirect URI is the forge's "
        "address followed by /deployments/netlify/. Without both, accounts are connected by token only."
    )
    message = f"{missing[0]} is not set; NETLIFY_CLIENT_ID and NETLIFY_CLIENT_SECRET go together."
    return [Error(message, hint=hint, id="deployments.E001")]


@register()
def check_netlify_urls(**_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for name in ("AGENTFORGE_NETLIFY_URL", "AGENTFORGE_NETLIFY_AUTHORIZE_URL"):
        try:
            outbound.checked_url(getattr(settings, name))
        except outbound.RefusedURL as error:
            hint = "Leave it unset to use Netlify's own address."
            messages.append(Error(f"{name}: {error}", hint=hint, id="deployments.E002"))
    return messages
