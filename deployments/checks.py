"""Check the settings of the hosts when Django starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from agentforge import outbound


@register()
def check_netlify_application(**_: Any) -> list[CheckMessage]:
    """Report an OAuth application at Netlify of which only one half is set."""
    given = {name: getattr(settings, name) for name in ("NETLIFY_CLIENT_ID", "NETLIFY_CLIENT_SECRET")}
    missing = [name for name, value in given.items() if not value]
    if len(missing) != 1:
        return []
    hint = (
        "Both are shown at Netlify under User settings, Applications, OAuth; its redirect URI is the forge's "
        "address and /deployments/netlify/. Without both, accounts are connected by token only."
    )
    return [Error(f"{missing[0]} is missing beside the other half.", hint=hint, id="deployments.E001")]


@register()
def check_netlify_urls(**_: Any) -> list[CheckMessage]:
    """Name the settings that should hold an address of Netlify's and do not."""
    found: list[CheckMessage] = []
    for name in ("AGENTFORGE_NETLIFY_URL", "AGENTFORGE_NETLIFY_AUTHORIZE_URL"):
        try:
            outbound.checked_url(getattr(settings, name))
        except outbound.RefusedURL as error:
            hint = "Leave it unset for Netlify's own address."
            found.append(Error(f"{name}: {error}", hint=hint, id="deployments.E002"))
    return found
