from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from .retention import MIN_DAYS


def check_retention(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report a retention time that the database would not accept."""
    if settings.AUDIT_KEEP_DAYS <= 0 or settings.AUDIT_KEEP_DAYS >= MIN_DAYS:
        return []
    return [
        Error(
            f"AUDIT_KEEP_DAYS is {settings.AUDIT_KEEP_DAYS}: events are kept for at least {MIN_DAYS} days.",
            hint=f"Set it to {MIN_DAYS} or more, or to 0 to keep events forever.",
            id="audit.E001",
        )
    ]
