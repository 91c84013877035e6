"""The keys of services that agents call: in the vault, each under the only address that it is sent to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from configs.models import AgentConfig, ApiKey
from configs.tools.services import Auth, Service, host_of, services_of

from . import vault

# Where a provider's code stands in the rows of other keys.
CODE = "service"


def save_service_key(owner_id: UUID, url: str, secret: str) -> ApiKey:
    """Store the key of the service at an address, in place of an earlier one."""
    name = f"{host_of(url)[:40]} {hashlib.sha256(url.encode()).hexdigest()[:12]}"
    return vault.save_key(owner_id, CODE, secret, url, name=name)


def service_key(owner_id: UUID, url: str) -> ApiKey | None:
    """Return an owner's key of the service at an address."""
    keys = ApiKey.objects.filter(owner_id=owner_id, provider=CODE, base_url=url)
    return keys.defer("models_offered").first()


def service_variables(agent: AgentConfig, document: str) -> dict[str, str]:
    """Return the variables with the keys of the services that a document names; none for a key that is gone.

    A key goes only to the address that it was stored under, so a document with another gets none.
    """
    variables = {}
    for service in _with_keys(_settings(document)):
        key = service_key(agent.owner_id, service.url)
        if key is not None:
            with suppress(vault.KeyNeedsReentry):
                variables[service.key_env] = vault.reveal(key, f"given to {agent.name}")
    return variables


def service_variable_names(agent: AgentConfig, settings: Mapping[str, Any]) -> list[str]:
    """Return the variables of the services in the settings of tools whose keys are stored."""
    return [
        service.key_env
        for service in _with_keys(settings)
        if service_key(agent.owner_id, service.url) is not None
    ]


def headers_with(auth: Auth | None, secret: str) -> dict[str, str]:
    """Return the headers that carry a key."""
    if auth is None or not secret:
        return {}
    if auth.kind == "header":
        return {auth.name: secret}
    if auth.kind == "basic":
        return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
    return {"Authorization": f"Bearer {secret}"}


def _with_keys(settings: Mapping[str, Any]) -> list[Service]:
    return [service for service in services_of(settings) if service.auth]


def _settings(document: str) -> Mapping[str, Any]:
    try:
        settings = json.loads(document)["capabilities"].get("tool_settings", {})
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    return settings if isinstance(settings, dict) else {}
