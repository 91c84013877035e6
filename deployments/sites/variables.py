"""Say which environment variables a deployed agent gets: its provider's, its access control's, no others."""

from __future__ import annotations

import json
from urllib.parse import quote

from django.conf import settings
from django.utils.crypto import salted_hmac

from configs.models import AgentConfig, Revision
from configs.providers import PROVIDERS
from configs.vault import KeyProblem, environment_for, has_secret, key_of
from deployments.accounts.host_accounts import KINDS
from deployments.errors import DeployError
from deployments.models import Access, Deployment, Site

# Netlify's functions get no more than this in all.
MOST_BYTES = 4096

ACCESS, PASSWORD, STATE_KEY = "AGENT_ACCESS", "AGENT_PASSWORD_HASH", "AGENT_STATE_KEY"
# For whoever runs the agent on a server of their own.
PLAIN_PASSWORD = "AGENT_PASSWORD"  # noqa: S105 - a variable's name
SUPABASE_URL, SUPABASE_KEY = "SUPABASE_URL", "SUPABASE_ANON_KEY"
_PLAIN = ":/@[]%"


def names(agent: AgentConfig, site: Site, provider: str = "") -> list[str]:
    """Return the names of what a site needs, without reading a key; `provider`: another than the draft's."""
    if not KINDS[site.host].sets_variables:
        return sorted(examples(agent, site, provider))
    return sorted([*_provided(agent, provider or agent.provider), *own(site)])


def examples(agent: AgentConfig, site: Site, provider: str = "") -> dict[str, str]:
    """Return what whoever runs the agent has to set: values where they are no secrets, else empty ones."""
    found = {**_provided(agent, provider or agent.provider), STATE_KEY: ""}
    if site.access == Access.PASSWORD:
        found[PLAIN_PASSWORD] = ""
    if site.access == Access.SUPABASE:
        found |= _project()
    return found


def _provided(agent: AgentConfig, code: str) -> dict[str, str]:
    """Return a provider's variables without its key."""
    provider = PROVIDERS[code]
    key = key_of(agent, code)
    base_url = key.base_url if key and provider.asks_base_url else provider.base_url
    # The line may be read by a shell: to a URL its signs are the same when they are quoted.
    found = {provider.base_url_env: quote(base_url, safe=_PLAIN)}
    if provider.key_env and key is not None and has_secret(key):
        found[provider.key_env] = ""
    return found


def values(deployment: Deployment) -> dict[str, str]:
    """Return the variables with their values; the use of a key goes to its owner's audit log.

    Raises DeployError when the provider's key is missing or can't be read.
    """
    agent = deployment.revision.agent
    try:
        provider = environment_for(agent, provider_of(deployment.revision))
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
        found |= _project()
    return found


def _project() -> dict[str, str]:
    return {SUPABASE_URL: settings.SUPABASE_URL, SUPABASE_KEY: settings.SUPABASE_ANON_KEY}


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


def provider_of(revision: Revision) -> str:
    """Return the code of the provider that a revision talks to."""
    return str(json.loads(revision.canonical_json)["provider"]["code"])
