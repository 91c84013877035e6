"""Check before a deployment what would make it fail, as far as that is known without asking the host."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import reverse

from builds import targets
from builds.models import Artifact, Build, BuildStatus
from builds.templatetags.build_words import megabytes
from configs.choices import KeyStatus
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.vault import has_secret, is_readable, key_of

from . import variables
from .models import Connection, Site

OK, WARNING, BAD = "ok", "warning", "bad"
# Netlify takes no larger function.
_LARGEST_FUNCTION = 50 * 1024 * 1024
# What the other pages and variables may take, to warn before the exact count.
_SMALL = 200


@dataclass(frozen=True)
class Check:
    label: str
    state: str
    words: str
    url: str = ""

    @property
    def icon(self) -> str:
        return "check" if self.state == OK else "warning"


def deployable(agent: AgentConfig) -> list[Build]:
    """Return an agent's builds that hold a function, newest first."""
    with_function = Artifact.objects.filter(target=targets.FUNCTION).values("build_id")
    found = Build.objects.filter(
        owner_id=agent.owner_id, revision__agent=agent, status=BuildStatus.SUCCEEDED, pk__in=with_function
    )
    return list(found.select_related("revision")[:20])


def checks(
    agent: AgentConfig, connection: Connection | None, site: Site | None, build: Build | None
) -> list[Check]:
    """Return the check list; a deployment can start when none of it is bad."""
    return [
        _account(connection),
        _site(site),
        _build(agent, build),
        _key(agent),
        _reach(agent),
        *([_size(build, site), _environment(agent, site)] if site and build else []),
    ]


def ready(found: list[Check]) -> bool:
    return all(check.state != BAD for check in found)


def _account(connection: Connection | None) -> Check:
    if connection is None:
        return Check("Account", BAD, "No Netlify account is connected yet.")
    if connection.problem:
        return Check("Account", BAD, connection.problem)
    return Check("Account", OK, f"{connection.who or connection.email} at Netlify.")


def _site(site: Site | None) -> Check:
    if site is None:
        return Check("Site", BAD, "Create a site, or choose one.")
    if site.problem:
        return Check("Site", BAD, site.problem)
    if site.locked:
        told = f"{site.name} is locked to what is live: unlock it, or deploy a draft."
        return Check("Site", WARNING, told)
    return Check("Site", OK, f"{site.name}, not locked.")


def _build(agent: AgentConfig, build: Build | None) -> Check:
    if build is None:
        url = reverse("builds:agent", args=[agent.pk])
        return Check("Build", BAD, "No build holds the Netlify function yet. Compile one for it.", url)
    return Check("Build", OK, f"Build {build.pk} of revision {build.revision.number} succeeded.")


def _key(agent: AgentConfig) -> Check:
    provider = PROVIDERS.get(agent.provider)
    url = reverse("configs:keys", args=[agent.pk])
    if provider is None:
        return Check("Key", BAD, "No provider is chosen.", url)
    key = key_of(agent, agent.provider)
    if key is None:
        missing = provider.needs_key or provider.asks_base_url
        words = f"No key for {provider.label} is saved." if missing else f"{provider.label} needs none."
        return Check("Key", BAD if missing else OK, words, url if missing else "")
    if not is_readable(key):
        return Check("Key", BAD, f"The key for {provider.label} needs re-entry.", url)
    if key.status == KeyStatus.INVALID:
        return Check("Key", BAD, f"{provider.label} refused the key when it was last tested.", url)
    if has_secret(key) and key.status != KeyStatus.VALID:
        return Check(
            "Key", WARNING, f"The key for {provider.label}: {key.get_status_display().lower()}.", url
        )
    return Check(
        "Key", OK, f"The key for {provider.label} is valid." if has_secret(key) else "None is needed."
    )


def _reach(agent: AgentConfig) -> Check:
    """Warn of a model server that stands where no function can reach it."""
    provider = PROVIDERS.get(agent.provider)
    key = key_of(agent, agent.provider) if provider else None
    address = (key.base_url if key and provider and provider.asks_base_url else "") or (
        provider.base_url if provider else ""
    )
    host = urlsplit(address).hostname or ""
    if _is_private(host):
        told = f"{host} is reached from this machine only: the deployed agent will not find its model there."
        return Check("Model", WARNING, told)
    return Check("Model", OK, f"{host} can be reached from anywhere." if host else "As the provider has it.")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal", ".localhost"))


@functools.lru_cache(maxsize=256)
def _size_of(build_id: int, with_plugin: bool) -> tuple[int, int]:
    files = Artifact.objects.filter(build_id=build_id)
    function = sum(files.filter(target=targets.FUNCTION, name="bootstrap").values_list("size", flat=True))
    rest = sum(files.filter(target="plugin").values_list("size", flat=True)) if with_plugin else 0
    return function, function + rest


def _size(build: Build, site: Site) -> Check:
    function, whole = _size_of(build.pk, site.offers_download)
    words = f"{megabytes(whole)} before packing, the function {megabytes(function)}."
    return Check("Size", BAD if function > _LARGEST_FUNCTION else OK, words)


def _environment(agent: AgentConfig, site: Site) -> Check:
    if agent.provider not in PROVIDERS:
        return Check("Environment", BAD, "No provider is chosen.")
    own = variables.own(site)
    names = ", ".join(variables.names(agent, site))
    taken = variables.size(own) + _SMALL
    state = BAD if taken > variables.MOST_BYTES else OK
    return Check(
        "Environment", state, f"Set as secrets: {names}. About {taken} of {variables.MOST_BYTES} bytes."
    )
