"""System checks of the settings of remote builders."""

from __future__ import annotations

import base64
from typing import Any

from django.conf import settings
from django.core import checks

from agentforge.outbound import OutboundError, checked_url

from . import builders

_FORM = 'A list such as [{"name": "iron", "url": "https://builder.example.com", "secret": "whsec_…"}].'
_SECRET = "Run openssl rand -base64 32 and prefix whsec_. Both sides need the same secret."  # noqa: S105
_SECRET_BYTES = 24


@checks.register
def check_builders(**_: Any) -> list[checks.CheckMessage]:
    """Check the names, URLs and secrets in AGENTFORGE_BUILDERS."""
    try:
        configured = list(builders.configured().values())
    except TypeError:
        return [checks.Error("AGENTFORGE_BUILDERS has the wrong format.", hint=_FORM, id="builds.E010")]
    errors: list[checks.CheckMessage] = []
    if len(configured) < len(settings.AGENTFORGE_BUILDERS) or any(
        each.name in ("", builders.LOCAL) for each in configured
    ):
        message = f"Each builder needs a unique name other than {builders.LOCAL}."
        errors.append(checks.Error(message, hint=_FORM, id="builds.E010"))
    for each in configured:
        errors += _check(each.url, each.secret, f"builder {each.name}")
    return errors


@checks.register
def check_role(**_: Any) -> list[checks.CheckMessage]:
    """Check AGENTFORGE_ROLE, and on a builder the forge's URL and secret."""
    if settings.AGENTFORGE_ROLE not in ("forge", "builder"):
        message = f"AGENTFORGE_ROLE is {settings.AGENTFORGE_ROLE!r}; it must be forge or builder."
        return [checks.Error(message, id="builds.E011")]
    if settings.AGENTFORGE_ROLE == "forge":
        return []
    return _check(settings.AGENTFORGE_FORGE_URL, settings.AGENTFORGE_BUILDER_SECRET, "forge of this builder")


def _is_strong(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix("whsec_") + "==")) >= _SECRET_BYTES
    except ValueError:
        return False


def _check(url: str, secret: str, peer: str) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = []
    try:
        checked_url(url)
    except OutboundError as error:
        errors.append(checks.Error(f"The URL of the {peer}: {error}", id="builds.E012"))
    if not _is_strong(secret):
        message = f"The secret of the {peer} is not base64 of at least {_SECRET_BYTES} bytes."
        errors.append(checks.Error(message, hint=_SECRET, id="builds.E013"))
    return errors
