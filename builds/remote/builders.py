"""The remote builders that the operator configured."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

LOCAL = "local"


@dataclass(frozen=True)
class Builder:
    """A remote builder and the secret that it shares with this forge."""

    name: str
    url: str
    secret: str = field(repr=False)


def configured() -> dict[str, Builder]:
    """Return the remote builders by name, in the order in which they are tried.

    Raises TypeError when the setting has other fields.
    """
    builders = (Builder(**each) for each in settings.AGENTFORGE_BUILDERS)
    return {each.name: each for each in builders}


def secrets_by_name() -> dict[str, str]:
    return {each.name: each.secret for each in configured().values()}
