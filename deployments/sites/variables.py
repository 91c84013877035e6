"""The environment variables of a deployed agent: those of its provider and its access control."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.crypto import salted_hmac

from configs.keys.agent_environment import environment_of
from configs.keys.service_keys import service_variable_names
from configs.keys.vault import KeyProblem, address_of, has_secret, key_of
from configs.models import AgentConfig, Revision
from configs.providers import PROVIDERS
from deployments.errors import DeployError
from deployments.hosts.registry import KINDS
from deployments.models import Access, Deployment, Site

# Netlify's limit for all variables of a function.
MAX_BYTES = 4096

ACCESS, PASSWORD, STATE_KEY = "AGENT_ACCESS", "AGENT_PASSWORD_HASH", "AGENT_STATE_KEY"
# For agents on an own server.
PLAIN_PASSWORD = "AGENT_PASSWORD"  # noqa: S105 - a variable's name
SUPABASE_URL, SUPABASE_KEY = "SUPABASE_URL", "SUPABASE_ANON_KEY"
_PLAIN = ":/@[]%"


def names(agent: AgentConfig, site: Site, revision: Revision | None = None) -> list[str]:
    """Return the variables that a site needs, without reading a key; a revision stands for the draft."""
    if not KINDS[site.host].sets_variables:
        return sorted(examples(agent, site, revision))
    return sorted([*_provided(agent, revision), *access_variables(site)])


def examples(agent: AgentConfig, site: Site, revision: Revision | None = None) -> dict[str, str]:
    """Return the variables to set on an own server: with their values, but secrets are empty."""
    variables = {**_provided(agent, revision), STATE_KEY: ""}
    if site.access == Access.PASSWORD:
        variables[PLAIN_PASSWORD] = ""
    if site.access == Access.SUPABASE:
        variables |= _supabase()
    return variables


def _provided(agent: AgentConfig, revision: Revision | None) -> dict[str, str]:
    """Return the variables of an agent's providers and services, with empty keys."""
    variables: dict[str, str] = {}
    for code in _providers_of(revision) if revision else filter(None, _chosen(agent)):
        provider, key = PROVIDERS[code], key_of(agent, code)
        # A shell may read the line: quote its special characters as URLs do.
        variables[provider.base_url_env] = quote(address_of(key, provider), safe=_PLAIN)
        if provider.key_env and key is not None and has_secret(key):
            variables[provider.key_env] = ""
    able = _document(revision)["capabilities"] if revision else {"tool_settings": agent.tool_settings}
    services = service_variable_names(agent, able.get("tool_settings", {}))
    return variables | dict.fromkeys(services, "")


def _chosen(agent: AgentConfig) -> tuple[str, str]:
    return agent.provider, agent.fallback_provider


def values(deployment: Deployment) -> dict[str, str]:
    """Return the variables with their values; the use of a key is recorded in the audit log.

    Raises DeployError when the provider's key is missing, can't be read, or would be sent elsewhere.
    """
    try:
        provider = environment_of(deployment.revision)
    except KeyProblem as problem:
        raise DeployError(str(problem), "key") from problem
    return {**provider, **access_variables(deployment.site)}


def access_variables(site: Site) -> dict[str, str]:
    """Return the variables of a site's access control."""
    state_key = salted_hmac("deployments.state", str(site.pk), algorithm="sha256").hexdigest()
    variables = {ACCESS: site.access, STATE_KEY: state_key}
    if site.access == Access.PASSWORD:
        variables[PASSWORD] = site.password_hash
    if site.access == Access.SUPABASE:
        variables |= _supabase()
    return variables


def _supabase() -> dict[str, str]:
    return {SUPABASE_URL: settings.SUPABASE_URL, SUPABASE_KEY: settings.SUPABASE_ANON_KEY}


def size(variables: dict[str, str]) -> int:
    """Return the size of variables in bytes, with names and values."""
    return sum(len(name.encode()) + len(value.encode()) + 2 for name, value in variables.items())


def check_size(variables: dict[str, str]) -> None:
    """Raise DeployError when the variables exceed the limit of functions."""
    total = size(variables)
    if total > MAX_BYTES:
        raise DeployError(
            f"The environment variables take {total} bytes; the limit is {MAX_BYTES}. Nothing was "
            "created. Use a shorter key or base URL.",
            "environment-too-large",
        )


def _document(revision: Revision) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(revision.canonical_json)
    return document


def _providers_of(revision: Revision) -> list[str]:
    """Return the codes of the provider and of the fallback that a revision uses."""
    document = _document(revision)
    return [str(document[name]["code"]) for name in ("provider", "fallback") if name in document]
