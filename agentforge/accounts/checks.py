from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from .identity.providers import PROVIDERS, is_known

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def check_local_identity(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report a local identity service that nobody chose, outside DEBUG."""
    if settings.DEBUG or settings.SUPABASE_URL or settings.LOCAL_IDENTITY_ALLOWED:
        return []
    return [
        Error(
            "The local identity service would serve outside DEBUG, and nobody chose that.",
            hint=(
                "It signs people up without confirming their e-mail address, and this machine keeps their "
                "password hashes and the key that signs their tokens (var/secrets/identity.pem). "
                "If that is what you want, set AGENTFORGE_LOCAL_IDENTITY=1."
            ),
            id="accounts.E001",
        )
    ]


def check_supabase(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report settings with which nobody could sign in by Supabase, or anybody could."""
    if not settings.SUPABASE_URL:
        return []
    url = urlsplit(settings.SUPABASE_URL)
    unknown = [code for code in settings.SUPABASE_OAUTH_PROVIDERS if not is_known(code)]
    secret = settings.SUPABASE_JWT_SECRET
    found = [
        (
            url.scheme not in ("http", "https") or not url.netloc or bool(url.path),
            "SUPABASE_URL is not the address of a project.",
            "It looks like https://abcdefgh.supabase.co, without a path.",
        ),
        (
            url.scheme == "http" and not settings.DEBUG and url.hostname not in _THIS_MACHINE,
            "SUPABASE_URL is not https: passwords would travel in the clear.",
            "Use https://.",
        ),
        (
            not settings.SUPABASE_ANON_KEY,
            "SUPABASE_ANON_KEY is missing.",
            "Copy the publishable key (or the anon key) from the project's API settings.",
        ),
        (
            settings.SUPABASE_ANON_KEY.startswith("sb_secret_"),
            "SUPABASE_ANON_KEY is a secret key, which may do everything.",
            "Use the publishable key (or the anon key).",
        ),
        (
            0 < len(secret) < 32,
            "SUPABASE_JWT_SECRET is too short: it could be guessed.",
            "Copy the project's legacy JWT secret; leave it unset for projects with signing keys.",
        ),
        (
            bool(unknown),
            f"SUPABASE_OAUTH_PROVIDERS names unknown providers: {', '.join(unknown)}.",
            f"Known are {', '.join(PROVIDERS)}.",
        ),
    ]
    return [
        Error(message, hint=hint, id=f"accounts.E{number:03}")
        for number, (is_wrong, message, hint) in enumerate(found, start=2)
        if is_wrong
    ]


def check_second_factor_paths(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report expressions that can't be read: their paths would be unprotected."""
    found: list[CheckMessage] = []
    for path in settings.SECOND_FACTOR_PATHS:
        try:
            re.compile(path)
        except re.error as error:
            message = f"SECOND_FACTOR_PATHS holds {path!r}, which is no regular expression: {error}."
            hint = "They are separated by commas, so none may hold one."
            found.append(Error(message, hint=hint, id="accounts.E008"))
    return found
