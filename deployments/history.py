"""Say of deployments what a history shows: what changed with each, and whether it is still what is live."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)

from builds.preflight import changes
from configs.models import AgentConfig, Revision

from .models import Deployment, DeploymentStatus, Site

# More names than these are summed up by the part of the configuration that they belong to.
_MOST_NAMES = 3
# It follows from other values, which are named.
_DERIVED = "sampling."


class Shows(enum.StrEnum):
    """Say what a site showed when it was last looked at."""

    OURS = "ours"
    ELSEWHERE = "elsewhere"
    NOTHING = "nothing"


class Standing(enum.StrEnum):
    """Say what became of a deployment on its site."""

    LIVE = "live"
    # What somebody deployed outside of the forge took its place.
    REPLACED_ELSEWHERE = "replaced-elsewhere"
    WAS_LIVE = "was-live"
    NEVER_LIVE = "never-live"


@dataclass(frozen=True)
class Facts:
    """Hold what a history says of one deployment besides its row."""

    deployment: Deployment
    replaced: Revision | None
    standing: Standing

    @property
    def address(self) -> str:
        """Return where it is to be seen: at the site while it is live, else at an address of its own."""
        if self.deployment.status != DeploymentStatus.SUCCEEDED:
            return ""
        told = self.deployment.site.url if self.standing == Standing.LIVE else self.deployment.url
        return web_address(told)

    @cached_property
    def changes(self) -> list[dict[str, str]]:
        """Return how the configuration differs from what the site showed before: name, before, after."""
        if self.replaced is None:
            return []
        return changes(self.replaced.canonical_json, self.deployment.revision.canonical_json)

    @cached_property
    def summary(self) -> str:
        """Name what changed in a few words; empty when nothing did."""
        names = [change["name"] for change in self.changes if not change["name"].startswith(_DERIVED)]
        parts = [name.rpartition(".")[2] for name in names]
        if len(parts) > _MOST_NAMES:
            parts = list(dict.fromkeys(name.partition(".")[0] for name in names))
        return ", ".join(part.replace("_", " ") for part in parts)


@dataclass(frozen=True)
class Online:
    """Say where an agent is online, and which deployment of it is live there; None: somebody else's."""

    site: Site
    live: Deployment | None

    @property
    def address(self) -> str:
        return web_address(self.site.url)


def web_address(told: str) -> str:
    """Return an address that a host told, to be linked; empty when it is none of a page."""
    return told if told.startswith(("https://", "http://")) else ""


def facts_of(deployments: Iterable[Deployment]) -> dict[int, Facts]:
    """Return the facts of deployments with their site and revision, by primary key; a few queries for all."""
    rows = list(deployments)
    revisions = Revision.objects.in_bulk({row.replaced_id for row in rows if row.replaced_id is not None})
    sites = {row.site for row in rows}
    newest = _newest([site for site, shows in shown_by(sites).items() if shows == Shows.ELSEWHERE])
    return {
        row.pk: Facts(
            deployment=row,
            replaced=revisions.get(row.replaced_id) if row.replaced_id is not None else None,
            standing=_standing(row, row.pk in newest),
        )
        for row in rows
    }


def _standing(row: Deployment, is_newest: bool) -> Standing:
    if row.is_live:
        return Standing.LIVE
    if row.published_at is None:
        return Standing.NEVER_LIVE
    return Standing.REPLACED_ELSEWHERE if is_newest else Standing.WAS_LIVE


def _newest(sites: Iterable[Site]) -> set[int]:
    """Return the deployments that were put live last, one for each site."""
    wanted = list(sites)
    if not wanted:
        return set()
    shown = Deployment.objects.filter(site__in=wanted, published_at__isnull=False)
    last = shown.order_by("site_id", "-published_at", "-pk").distinct("site_id")
    return set(last.values_list("pk", flat=True))


def shown_by(sites: Iterable[Site]) -> dict[Site, Shows]:
    """Return what sites showed when they were last looked at; one query."""
    asked = list(sites)
    ours = set(_live().filter(site__in=asked).values_list("site_id", flat=True))
    return {site: _shows(site, site.pk in ours) for site in asked}


def with_shows(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Add to each row what the site showed when it was last looked at, as `shows`."""
    ours = _live().filter(site=OuterRef("pk"))
    return sites.annotate(
        shows=Case(
            When(live_remote_id="", then=Value(Shows.NOTHING.value)),
            When(Exists(ours), then=Value(Shows.OURS.value)),
            default=Value(Shows.ELSEWHERE.value),
            output_field=CharField(),
        )
    )


def _shows(site: Site, is_ours: bool) -> Shows:
    if is_ours:
        return Shows.OURS
    return Shows.ELSEWHERE if site.live_remote_id else Shows.NOTHING


def online(agents: Iterable[AgentConfig]) -> dict[int, Online]:
    """Return where agents are online, by their primary keys; what shows nothing is left out; two queries."""
    sites = Site.objects.filter(agent__in=list(agents), deleted_at=None).exclude(live_remote_id="")
    found = {site.pk: site for site in sites}
    live = {row.site_id: row for row in _live().filter(site__in=found).select_related("revision")}
    return {site.agent_id: Online(site, live.get(site.pk)) for site in found.values()}


def _live() -> QuerySet[Deployment]:
    """Return the deployments that are live."""
    return Deployment.objects.filter(remote_id=F("site__live_remote_id")).exclude(remote_id="")


def replaced_by(deployment: Deployment) -> Subquery:
    """Return, for an update, the revision that a site shows just before a deployment of it goes live.

    It is what the host said last if that is one of ours, else what was put live last.
    """
    others = Deployment.objects.filter(site_id=OuterRef("site_id")).exclude(pk=deployment.pk)
    shown = others.exclude(published_at=None).annotate(
        rank=Case(When(remote_id=F("site__live_remote_id"), then=Value(0)), default=Value(1),
                  output_field=IntegerField())
    )  # fmt: skip
    return Subquery(shown.order_by("rank", "-published_at", "-pk").values("revision_id")[:1])


def facts_json(facts: Facts) -> dict[str, Any]:
    """Return what scripts learn of it."""
    return {
        "standing": facts.standing,
        "replaced_revision": facts.replaced.number if facts.replaced else None,
        "changes": facts.changes,
        "address": facts.address,
    }
