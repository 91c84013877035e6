"""Checks before a deployment, without asking the host."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.urls import reverse

from agentforge import formats
from agentforge.public_addresses import is_public
from builds.evaluation import gate
from builds.models import Artifact, Build, BuildStatus
from builds.package import assembly
from builds.reports import UNFINISHED
from configs.choices import KeyStatus
from configs.keys.vault import has_secret, is_readable, key_of
from configs.models import AgentConfig
from configs.providers import PROVIDERS

from .accounts.host_accounts import connection_of
from .errors import NotPossible
from .hosts.base import HostKind
from .hosts.registry import KINDS
from .models import Access, Connection, Site
from .sites import variables

OK, WARNING, BAD = "ok", "warning", "bad"
# Room for the provider's variables, whose exact size is known only with the key.
_PROVIDER_BYTES = 200
# The label of the only check that a build in progress fails.
BUILD = "Build"


@dataclass(frozen=True)
class Check:
    label: str
    state: str
    words: str
    url: str = ""

    @property
    def icon(self) -> str:
        return "check" if self.state == OK else "warning"


def kinds_of(site: Site | None) -> list[HostKind]:
    """Return the kind of host of a site; all kinds while no site is chosen."""
    return [KINDS[site.host]] if site else list(KINDS.values())


def deployable(agent: AgentConfig, site: Site | None) -> list[Build]:
    """Return an agent's builds with a program that the site can run, newest first."""
    names = [target for kind in kinds_of(site) for target in kind.targets]
    with_program = Artifact.objects.filter(target__in=names).values("build_id")
    builds = Build.objects.filter(
        owner_id=agent.owner_id, revision__agent=agent, status=BuildStatus.SUCCEEDED, pk__in=with_program
    )
    return list(builds.select_related("revision")[:20])


def unfinished_build(agent: AgentConfig, kind: HostKind) -> Build | None:
    """Return the agent's newest unfinished build of a program that a kind of host can run."""
    builds: QuerySet[Build] = Build.objects.filter(
        owner_id=agent.owner_id,
        revision__agent=agent,
        status__in=UNFINISHED,
        per_target__target__in=kind.targets,
    )
    return builds.first()


def is_access_chosen(site: Site) -> bool:
    """Return whether the owner has decided who may talk to it; an own server's password is set there."""
    has_password = bool(site.password_hash) or not KINDS[site.host].sets_variables
    return site.access != Access.PASSWORD or has_password


def checks(
    agent: AgentConfig, connection: Connection | None, site: Site | None, build: Build | None
) -> list[Check]:
    """Return the results of all checks; a deployment can start when none is bad."""
    if site is None:
        return [_site(None), _build(agent, None, build), _key(agent), _reach(agent)]
    kind = KINDS[site.host]
    return [
        *([_account(kind, connection)] if kind.needs_account else []),
        _site(site),
        _access(kind, site),
        _build(agent, kind, build),
        # A key that is set elsewhere need not be valid here.
        _key(agent) if kind.sets_variables else _at_most(WARNING, _key(agent)),
        *_fallback_key(agent),
        _reach(agent),
        *([_size(kind, build, site), _environment(agent, site), *_evaluation(agent, build)] if build else []),
    ]


def _evaluation(agent: AgentConfig, build: Build) -> list[Check]:
    """Return whether the build passed the agent's cases; nothing where no deployment hangs on them."""
    verdict = gate.verdict(agent, build)
    if verdict is None:
        return []
    worst = BAD if verdict.blocks else WARNING
    url = reverse("builds:evaluation", args=[agent.pk])
    return [Check("Evaluation", OK if verdict.passed else worst, verdict.words, url)]


def _at_most(state: str, check: Check) -> Check:
    return replace(check, state=state) if check.state == BAD else check


def is_ready(results: list[Check]) -> bool:
    return all(check.state != BAD for check in results)


def require_ready(agent: AgentConfig, site: Site | None, build: Build) -> None:
    """Raise NotPossible, listing the failed checks."""
    require(checks(agent, connection_of(agent.owner_id), site, build))


def require(results: Iterable[Check]) -> None:
    """Raise NotPossible, listing the failed ones."""
    if bad := [check.words for check in results if check.state == BAD]:
        raise NotPossible(" ".join(["Nothing was started.", *bad]))


def _account(kind: HostKind, connection: Connection | None) -> Check:
    if connection is None:
        return Check("Account", BAD, f"No {kind.label} account is connected yet.")
    if connection.problem:
        return Check("Account", BAD, connection.problem)
    return Check("Account", OK, f"{connection.who or connection.email} at {kind.label}.")


def _site(site: Site | None) -> Check:
    if site is None:
        return Check("Site", BAD, "Create a site, or choose one.")
    if site.problem:
        # From the last refresh; a deployment asks the host again and fails if the problem persists.
        return Check("Site", WARNING, site.problem)
    if site.locked:
        words = f"{site.name} is locked to its live deploy: unlock it, or deploy a draft."
        return Check("Site", WARNING, words)
    return Check("Site", OK, f"{site.name}, not locked.")


def _access(kind: HostKind, site: Site) -> Check:
    if not is_access_chosen(site):
        return Check("Access", BAD, "Choose who may talk to it.", "#access")
    if site.access == Access.PASSWORD and not kind.sets_variables:
        return Check("Access", OK, "Whoever knows the password that you set on your server.")
    return Check("Access", OK, f"{site.get_access_display()}.")


def _build(agent: AgentConfig, kind: HostKind | None, build: Build | None) -> Check:
    if build is None and kind and (unfinished := unfinished_build(agent, kind)):
        words = f"Build {unfinished.pk} for {kind.label} is in progress."
        return Check(BUILD, BAD, words, unfinished.get_absolute_url())
    if build is None:
        url = reverse("builds:agent", args=[agent.pk])
        where = f"for {kind.label} " if kind else ""
        return Check(BUILD, BAD, f"No build has a program {where}yet. Compile one.", url)
    return Check(BUILD, OK, f"Build {build.pk} of revision {build.revision.number} succeeded.")


def _fallback_key(agent: AgentConfig) -> list[Check]:
    """Warn of a fallback that could not be asked; the agent answers without it."""
    if agent.fallback_provider not in PROVIDERS:
        return []
    return [replace(_at_most(WARNING, _key(agent, agent.fallback_provider)), label="Fallback")]


def _key(agent: AgentConfig, code: str = "") -> Check:
    code = code or agent.provider
    provider = PROVIDERS.get(code)
    url = reverse("configs:keys", args=[agent.pk])
    if provider is None:
        return Check("Key", BAD, "No provider is chosen.", url)
    key = key_of(agent, code)
    if key is None:
        missing = provider.needs_key or provider.asks_base_url
        words = f"No key for {provider.label} is saved." if missing else f"{provider.label} needs no key."
        return Check("Key", BAD if missing else OK, words, url if missing else "")
    if not is_readable(key):
        return Check("Key", BAD, f"The key for {provider.label} needs re-entry.", url)
    if key.status == KeyStatus.INVALID:
        return Check("Key", BAD, f"{provider.label} refused the key in its last test.", url)
    if has_secret(key) and key.status != KeyStatus.VALID:
        return Check(
            "Key", WARNING, f"The key for {provider.label}: {key.get_status_display().lower()}.", url
        )
    return Check(
        "Key", OK, f"The key for {provider.label} is valid." if has_secret(key) else "No key is needed."
    )


def _reach(agent: AgentConfig) -> Check:
    """Warn of a model server on a private address."""
    provider = PROVIDERS.get(agent.provider)
    key = key_of(agent, agent.provider) if provider else None
    address = (key.base_url if key and provider and provider.asks_base_url else "") or (
        provider.base_url if provider else ""
    )
    host = urlsplit(address).hostname or ""
    if _is_private(host):
        words = f"{host} is not a public address: the deployed agent must be able to reach its model."
        return Check("Model", WARNING, words)
    return Check("Model", OK, f"{host} is a public address." if host else "At the provider's address.")


def _is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal", ".localhost"))


@functools.lru_cache(maxsize=256)
def _size_of(build_id: int, programs: tuple[str, ...], with_plugin: bool) -> tuple[int, int]:
    files = Artifact.objects.filter(build_id=build_id)
    sizes = [file.size for file in files.filter(target__in=programs) if assembly.is_executable(file.name)]
    downloads = sum(files.filter(target="plugin").values_list("size", flat=True)) if with_plugin else 0
    return max(sizes, default=0), sum(sizes) + downloads


def _size(kind: HostKind, build: Build, site: Site) -> Check:
    largest, total = _size_of(build.pk, kind.targets, site.offers_download)
    words = f"{formats.size(total)} uncompressed; the largest program is {formats.size(largest)}."
    return Check("Size", BAD if 0 < kind.largest_program < largest else OK, words)


def _environment(agent: AgentConfig, site: Site) -> Check:
    if agent.provider not in PROVIDERS:
        return Check("Environment", BAD, "No provider is chosen.")
    names = ", ".join(variables.names(agent, site))
    if not KINDS[site.host].sets_variables:
        return Check("Environment", OK, f"Set these on your server: {names}. No value leaves the vault.")
    total = variables.size(variables.access_variables(site)) + _PROVIDER_BYTES
    total += _PROVIDER_BYTES if agent.fallback_provider else 0
    state = BAD if total > variables.MAX_BYTES else OK
    return Check(
        "Environment", state, f"Set as secrets: {names}. About {total} of {variables.MAX_BYTES} bytes."
    )
