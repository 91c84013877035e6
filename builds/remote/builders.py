"""Name the remote builders that the operator configured."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

LOCAL = "local"


@dataclass(frozen=True)
class Builder:
    """Name a builder, its address, and the secret that it shares with this forge."""

    name: str
    url: str
    secret: str = field(repr=False)


def configured() -> dict[str, Builder]:
    """Return the remote builders by name, in the order in which they are tried."""
    listed = (Builder(**each) for each in settings.AGENTFORGE_BUILDERS)
    return {each.name: each for each in listed}


def secrets() -> dict[str, str]:
    """Return the secrets of all builders by name."""
    return {each.name: each.secret for each in configured().values()}
