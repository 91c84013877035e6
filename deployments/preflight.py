"""Check before a deployment what would make it fail, as far as that is known without asking the host."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.urls import reverse

from agentforge import formats
from builds.models import Artifact, Build, BuildStatus
from builds.package import assembly
from builds.reports import UNFINISHED
from configs.choices import KeyStatus
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.vault import has_secret, is_readable, key_of

from .accounts.host_accounts import KINDS, connection_of
from .errors import NotPossible
from .hosts.base import Kind
from .models import Connection, Site
from .sites import variables

OK, WARNING, BAD = "ok", "warning", "bad"
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


def kinds_of(site: Site | None) -> list[Kind]:
    """Return the kind of host of a site; all kinds while none is chosen."""
    return [KINDS[site.host]] if site else list(KINDS.values())


def deployable(agent: AgentConfig, site: Site | None) -> list[Build]:
    """Return an agent's builds that hold the program that a site runs, newest first."""
    wanted = [target for kind in kinds_of(site) for target in kind.targets]
    with_program = Artifact.objects.filter(target__in=wanted).values("build_id")
    found = Build.objects.filter(
        owner_id=agent.owner_id, revision__agent=agent, status=BuildStatus.SUCCEEDED, pk__in=with_program
    )
    return list(found.select_related("revision")[:20])


def under_way(agent: AgentConfig, kind: Kind) -> Build | None:
    """Return the agent's newest unfinished build of a program that a kind of host can run."""
    going: QuerySet[Build] = Build.objects.filter(
        owner_id=agent.owner_id,
        revision__agent=agent,
        status__in=UNFINISHED,
        per_target__target__in=kind.targets,
    )
    return going.first()


def checks(
    agent: AgentConfig, connection: Connection | None, site: Site | None, build: Build | None
) -> list[Check]:
    """Return the check list; a deployment can start when none of it is bad."""
    if site is None:
        return [_site(None), _build(agent, None, build), _key(agent), _reach(agent)]
    kind = KINDS[site.host]
    return [
        *([_account(kind, connection)] if kind.needs_account else []),
        _site(site),
        _build(agent, kind, build),
        # Keys that others set need not be good here.
        _key(agent) if kind.sets_variables else _at_most(WARNING, _key(agent)),
        _reach(agent),
        *([_size(kind, build, site), _environment(agent, site)] if build else []),
    ]


def _at_most(state: str, check: Check) -> Check:
    return replace(check, state=state) if check.state == BAD else check


def ready(found: list[Check]) -> bool:
    return all(check.state != BAD for check in found)


def refuse(agent: AgentConfig, site: Site | None, build: Build) -> None:
    """Raise NotPossible, with all that is bad, when a deployment can't start."""
    found = checks(agent, connection_of(agent.owner_id), site, build)
    if wrong := [check.words for check in found if check.state == BAD]:
        raise NotPossible(" ".join(["Nothing was started.", *wrong]))


def _account(kind: Kind, connection: Connection | None) -> Check:
    if connection is None:
        return Check("Account", BAD, f"No {kind.label} account is connected yet.")
    if connection.problem:
        return Check("Account", BAD, connection.problem)
    return Check("Account", OK, f"{connection.who or connection.email} at {kind.label}.")


def _site(site: Site | None) -> Check:
    if site is None:
        return Check("Site", BAD, "Create a site, or choose one.")
    if site.problem:
        # As it was when somebody looked last; a deployment asks itself, and says so when it lasts.
        return Check("Site", WARNING, site.problem)
    if site.locked:
        told = f"{site.name} is locked to what is live: unlock it, or deploy a draft."
        return Check("Site", WARNING, told)
    return Check("Site", OK, f"{site.name}, not locked.")


def _build(agent: AgentConfig, kind: Kind | None, build: Build | None) -> Check:
    if build is None and kind and (going := under_way(agent, kind)):
        words = f"Build {going.pk} for {kind.label} is under way: deploy it when it has succeeded."
        return Check("Build", BAD, words, going.get_absolute_url())
    if build is None:
        url = reverse("builds:agent", args=[agent.pk])
        where = f"for {kind.label} " if kind else ""
        return Check("Build", BAD, f"No build holds the program {where}yet. Compile one for it.", url)
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
        told = f"{host} is no public address: the deployed agent has to reach its model from where it runs."
        return Check("Model", WARNING, told)
    return Check("Model", OK, f"{host} can be reached from anywhere." if host else "As the provider has it.")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal", ".localhost"))


@functools.lru_cache(maxsize=256)
def _size_of(build_id: int, programs: tuple[str, ...], with_plugin: bool) -> tuple[int, int]:
    files = Artifact.objects.filter(build_id=build_id)
    sizes = [file.size for file in files.filter(target__in=programs) if assembly.is_executable(file.name)]
    rest = sum(files.filter(target="plugin").values_list("size", flat=True)) if with_plugin else 0
    return max(sizes, default=0), sum(sizes) + rest


def _size(kind: Kind, build: Build, site: Site) -> Check:
    largest, whole = _size_of(build.pk, kind.targets, site.offers_download)
    words = f"{formats.size(whole)} before packing, the largest program {formats.size(largest)}."
    return Check("Size", BAD if 0 < kind.largest_program < largest else OK, words)


def _environment(agent: AgentConfig, site: Site) -> Check:
    if agent.provider not in PROVIDERS:
        return Check("Environment", BAD, "No provider is chosen.")
    names = ", ".join(variables.names(agent, site))
    if not KINDS[site.host].sets_variables:
        return Check("Environment", OK, f"To be set where it runs: {names}. No value leaves the vault.")
    own = variables.own(site)
    taken = variables.size(own) + _SMALL
    state = BAD if taken > variables.MOST_BYTES else OK
    return Check(
        "Environment", state, f"Set as secrets: {names}. About {taken} of {variables.MOST_BYTES} bytes."
    )
