"""Tell operators what is wrong with the settings of remote builders."""

from __future__ import annotations

import base64
from typing import Any

from django.conf import settings
from django.core import checks

from agentforge.outbound import OutboundError, checked_url

from . import builders

_FORM = 'A list such as [{"name": "iron", "url": "https://builder.example.com", "secret": "whsec_…"}].'
_SECRET = "Make one: openssl rand -base64 32, with whsec_ before it. Both sides have the same."  # noqa: S105
_SECRET_BYTES = 24


@checks.register
def check_builders(**_: Any) -> list[checks.CheckMessage]:
    """Find out whether the builders are told completely."""
    wrong: list[checks.CheckMessage] = []
    try:
        listed = list(builders.configured().values())
    except TypeError:
        return [checks.Error("AGENTFORGE_BUILDERS can't be understood.", hint=_FORM, id="builds.E010")]
    if len(listed) < len(settings.AGENTFORGE_BUILDERS) or any(
        each.name in ("", builders.LOCAL) for each in listed
    ):
        told = f"Each builder needs a name of its own, and none is called {builders.LOCAL}."
        wrong.append(checks.Error(told, hint=_FORM, id="builds.E010"))
    for each in listed:
        wrong += _check(each.url, each.secret, f"builder {each.name}")
    return wrong


@checks.register
def check_role(**_: Any) -> list[checks.CheckMessage]:
    """Find out whether a builder knows whom it works for."""
    if settings.AGENTFORGE_ROLE not in ("forge", "builder"):
        told = f"AGENTFORGE_ROLE is {settings.AGENTFORGE_ROLE!r}; it must be forge or builder."
        return [checks.Error(told, id="builds.E011")]
    if settings.AGENTFORGE_ROLE == "forge":
        return []
    return _check(settings.AGENTFORGE_FORGE_URL, settings.AGENTFORGE_BUILDER_SECRET, "forge of this builder")


def _is_strong(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix("whsec_") + "==")) >= _SECRET_BYTES
    except ValueError:
        return False


def _check(url: str, secret: str, whose: str) -> list[checks.CheckMessage]:
    wrong: list[checks.CheckMessage] = []
    try:
        checked_url(url)
    except OutboundError as error:
        wrong.append(checks.Error(f"The URL of the {whose}: {error}", id="builds.E012"))
    if not _is_strong(secret):
        told = f"The secret of the {whose} is no base64 of {_SECRET_BYTES} bytes or more."
        wrong.append(checks.Error(told, hint=_SECRET, id="builds.E013"))
    return wrong
