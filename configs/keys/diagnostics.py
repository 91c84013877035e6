"""Diagnostics of the vault: can it read what it holds?"""

from __future__ import annotations

from agentforge.administration.diagnostics import Finding, failed, ok, register
from agentforge.formats import counted
from configs.models import ApiKey

from . import vault

# The newest: with more, the command would take long.
_EXAMINED = 5_000


@register("vault")
def _vault() -> Finding:
    keys = ApiKey.objects.defer("models_offered").order_by("-pk")[:_EXAMINED]
    readable = [vault.is_readable(key) for key in keys]
    unreadable = readable.count(False)
    if unreadable:
        return failed(
            f"{unreadable} of {counted(len(readable), 'API key')} can't be read with AGENTFORGE_VAULT_KEYS "
            "(or var/secrets/vault).",
            "Add the key that encrypted them, behind the newest. If it is lost, their owners have to enter "
            "them again.",
        )
    return ok(f"{counted(len(readable), 'API key')} can be read.")
