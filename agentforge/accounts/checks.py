from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from .identity import signing_key
from .identity.api_keys import role_of
from .identity.providers import PROVIDERS, is_known
from .throttling.acts import GROUPS

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def check_local_identity(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report a local identity service outside DEBUG that was not explicitly enabled."""
    if settings.DEBUG or settings.SUPABASE_URL or settings.LOCAL_IDENTITY_ALLOWED:
        return []
    return [
        Error(
            "The local identity service would run outside DEBUG without being enabled.",
            hint=(
                "It accepts sign-ups without confirming the e-mail address, and stores password hashes and "
                "the key that signs tokens (var/secrets/identity.pem) on this machine. "
                "To allow this, set AGENTFORGE_LOCAL_IDENTITY=1."
            ),
            id="accounts.E001",
        )
    ]


def check_identity_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report an AGENTFORGE_IDENTITY_KEY that is no key."""
    if not settings.AGENTFORGE_IDENTITY_KEY:
        return []
    try:
        signing_key.read(settings.AGENTFORGE_IDENTITY_KEY)
    except ValueError as problem:
        hint = "Set the content of var/secrets/identity.pem: base64 -w0 var/secrets/identity.pem"
        return [Error(str(problem), hint=hint, id="accounts.E012")]
    return []


def check_supabase(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report Supabase settings that would lock everybody out, or let anybody in."""
    if not settings.SUPABASE_URL:
        return []
    url = urlsplit(settings.SUPABASE_URL)
    unknown = [code for code in settings.SUPABASE_OAUTH_PROVIDERS if not is_known(code)]
    secret = settings.SUPABASE_JWT_SECRET
    problems = [
        (
            url.scheme not in ("http", "https") or not url.netloc or bool(url.path),
            "SUPABASE_URL is not the URL of a project.",
            "It looks like https://abcdefgh.supabase.co, without a path.",
        ),
        (
            url.scheme == "http" and not settings.DEBUG and url.hostname not in _THIS_MACHINE,
            "SUPABASE_URL is not https: passwords would be sent unencrypted.",
            "Use https://.",
        ),
        (
            not settings.SUPABASE_ANON_KEY,
            "SUPABASE_ANON_KEY is missing.",
            "Copy the publishable key (or the anon key) from the project's API settings.",
        ),
        (
            role_of(settings.SUPABASE_ANON_KEY) == "service_role",
            "SUPABASE_ANON_KEY is a secret key, which grants full access.",
            "Use the publishable key (or the anon key), and replace this one if others could read it.",
        ),
        (
            0 < len(secret) < 32,
            "SUPABASE_JWT_SECRET is too short and could be guessed.",
            "Copy the project's legacy JWT secret; leave it unset for projects with signing keys.",
        ),
        (
            bool(unknown),
            f"SUPABASE_OAUTH_PROVIDERS names unknown providers: {', '.join(unknown)}.",
            f"Known providers: {', '.join(PROVIDERS)}.",
        ),
    ]
    return [
        Error(message, hint=hint, id=f"accounts.E{number:03}")
        for number, (is_wrong, message, hint) in enumerate(problems, start=2)
        if is_wrong
    ]


def check_forwarded_addresses(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report that people's network addresses are to be forwarded without the key that allows it."""
    if not settings.SUPABASE_FORWARD_ADDRESSES or settings.SUPABASE_SERVICE_KEY:
        return []
    message = "SUPABASE_FORWARD_ADDRESSES is set without SUPABASE_SERVICE_KEY."
    hint = "Supabase Auth believes forwarded addresses from holders of a secret key only."
    return [Error(message, hint=hint, id="accounts.E009")]


def check_second_factor_acts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report unknown groups of acts: those that were meant would be unprotected."""
    unknown = [name for name in settings.SECOND_FACTOR_ACTS if name not in GROUPS]
    if not unknown:
        return []
    message = f"SECOND_FACTOR_ACTS names unknown groups of acts: {', '.join(unknown)}."
    return [Error(message, hint=f"Known groups: {', '.join(GROUPS)}.", id="accounts.E010")]


def check_second_factor_paths(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report invalid expressions: their paths would be unprotected."""
    errors: list[CheckMessage] = []
    for path in settings.SECOND_FACTOR_PATHS:
        try:
            re.compile(path)
        except re.error as error:
            message = f"SECOND_FACTOR_PATHS contains {path!r}, which is not a regular expression: {error}."
            hint = "Expressions are separated by commas, so none may contain one."
            errors.append(Error(message, hint=hint, id="accounts.E008"))
    return errors
