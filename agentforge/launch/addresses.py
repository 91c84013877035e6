"""The forge's own address, as far as its settings tell it."""

from __future__ import annotations

from django.conf import settings

from . import options


def own_address() -> str:
    """Return the address that people open, without a slash at the end."""
    if settings.CSRF_TRUSTED_ORIGINS:
        return str(settings.CSRF_TRUSTED_ORIGINS[0])
    hosts = [host for host in settings.ALLOWED_HOSTS if "*" not in host]
    if settings.DEBUG or not hosts:
        return f"http://localhost:{options.read().port}"
    return f"https://{hosts[0].lstrip('.')}"
