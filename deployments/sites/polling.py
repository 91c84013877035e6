"""Ask hosts what sites show, and record when somebody else changed it."""

from __future__ import annotations

import logging

from django.db.models import Exists, OuterRef
from django.utils import timezone

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service
from deployments.accounts.host_accounts import AccountProblem, host_for, recheck_if_refused
from deployments.announcements import announce_deployment
from deployments.hosts.base import HostError, Reason
from deployments.models import Deployment, Site

from .answers import ask_server

logger = logging.getLogger(__name__)

_REFRESHED = ("looked_at", "problem", "url", "name", "live_remote_id", "locked", "answered_at")


def _facts(site: Site) -> tuple[object, ...]:
    """Return what pages show of a site, without the times."""
    return (site.live_remote_id, site.answered_at is not None, site.problem, site.url, site.name, site.locked)


def refresh_site(site: Site) -> None:
    """Store what is live on a site and whether it is locked, or why the host doesn't say.

    Raises AccountProblem.
    """
    host = host_for(site.owner_id, site.host, "looked at a site")
    before = _facts(site)
    trouble = _ask_own_server(site)
    with as_service():
        try:
            remote = host.site(site.remote_id)
        except HostError as error:
            site.problem = str(error)[:500]
            if error.reason == Reason.GONE:
                site.live_remote_id = ""
            recheck_if_refused(site.owner_id, site.host, error)
        else:
            site.problem = trouble[:500]
            site.url, site.name = remote.url or site.url, remote.name or site.name
            site.live_remote_id, site.locked = remote.live_deploy, remote.locked
        site.save(update_fields=_REFRESHED)
        if _facts(site) != before:
            announce_deployment(site)
        if site.live_remote_id != before[0] and not live_deployment(site):
            record(Action.SITE_DRIFTED, owner=site.owner_id, subject=site, live=site.live_remote_id)


def _ask_own_server(site: Site) -> str:
    """Note that the site was looked at, and whether its own server answers; return why it does not."""
    site.looked_at = timezone.now()
    site.answered_at = None
    if not site.own_address:
        return ""
    deployed = live_deployment(site)
    trouble = ask_server(site.own_address, deployed.content_sha256 if deployed else "")
    site.answered_at = None if trouble or deployed is None else site.looked_at
    return trouble


def live_deployment(site: Site) -> Deployment | None:
    """Return the deployment that a site shows; None when it shows nothing, or a deploy made elsewhere."""
    if not site.live_remote_id:
        return None
    deployments = Deployment.objects.filter(site=site, remote_id=site.live_remote_id)
    live: Deployment | None = deployments.select_related("revision").first()
    return live


def poll_sites() -> int:
    """Refresh every site that was deployed to; return their number."""
    deployed = Deployment.objects.filter(site=OuterRef("pk"))
    sites = list(Site.objects.filter(Exists(deployed), deleted_at=None))
    for site in sites:
        try:
            refresh_site(site)
        except AccountProblem as problem:
            Site.objects.filter(pk=site.pk).update(problem=str(problem)[:500], looked_at=timezone.now())
            announce_deployment(site)
        except Exception:
            logger.exception("Site %s could not be refreshed", site.pk)
    return len(sites)
