"""Say which environment variables a deployed agent gets: its provider's, its access control's, no others."""

from __future__ import annotations

import json

from django.conf import settings
from django.utils.crypto import salted_hmac

from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.vault import KeyProblem, environment_for, has_secret, key_of

from .errors import DeployError
from .models import Access, Deployment, Site

# Netlify's functions get no more than this in all.
MOST_BYTES = 4096

ACCESS, PASSWORD, STATE_KEY = "AGENT_ACCESS", "AGENT_PASSWORD_HASH", "AGENT_STATE_KEY"
SUPABASE_URL, SUPABASE_KEY = "SUPABASE_URL", "SUPABASE_ANON_KEY"


def names(agent: AgentConfig, site: Site) -> list[str]:
    """Return the names of what will be set, without reading a key."""
    provider = PROVIDERS[agent.provider]
    key = key_of(agent, agent.provider)
    found = [provider.base_url_env, *own(site)]
    if provider.key_env and key is not None and has_secret(key):
        found.append(provider.key_env)
    return sorted(found)


def values(deployment: Deployment) -> dict[str, str]:
    """Return the variables with their values; the use of a key goes to its owner's audit log.

    Raises DeployError when the provider's key is missing or can't be read.
    """
    agent = deployment.revision.agent
    try:
        provider = environment_for(agent, _provider_of(deployment))
    except KeyProblem as problem:
        raise DeployError(str(problem), "key") from problem
    return {**provider, **own(deployment.site)}


def own(site: Site) -> dict[str, str]:
    """Return the variables of a site's access control."""
    state_key = salted_hmac("deployments.state", str(site.pk), algorithm="sha256").hexdigest()
    found = {ACCESS: site.access, STATE_KEY: state_key}
    if site.access == Access.PASSWORD:
        found[PASSWORD] = site.password_hash
    if site.access == Access.SUPABASE:
        found |= {SUPABASE_URL: settings.SUPABASE_URL, SUPABASE_KEY: settings.SUPABASE_ANON_KEY}
    return found


def size(variables: dict[str, str]) -> int:
    """Return how many bytes variables take, names and values."""
    return sum(len(name.encode()) + len(value.encode()) + 2 for name, value in variables.items())


def refuse_too_large(variables: dict[str, str]) -> None:
    """Raise DeployError when the variables take more than functions may have."""
    taken = size(variables)
    if taken > MOST_BYTES:
        raise DeployError(
            f"The environment variables take {taken} bytes, and functions may have {MOST_BYTES}. Nothing was "
            "created. Use a shorter key or base URL.",
            "environment-too-large",
        )


def _provider_of(deployment: Deployment) -> str:
    return str(json.loads(deployment.revision.canonical_json)["provider"]["code"])
