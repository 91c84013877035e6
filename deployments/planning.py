"""Deploy a build when it is built: the plan is stored with the site, so it outlives every process."""

from __future__ import annotations

import logging

from django.db import transaction

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.tenancy.rls import as_service
from builds.models import Build, BuildStatus
from builds.reports import UNFINISHED
from configs.models import AgentInTrash, lock_agent

from . import preflight, services
from .accounts.host_accounts import connection_of
from .announcements import announce_deployment
from .errors import NotPossible
from .models import Site

logger = logging.getLogger(__name__)


@performs(Act.DEPLOY)
def plan(site: Site, build: Build, by: User, *, draft: bool = False) -> None:
    """Deploy a build to a site as soon as it succeeds; a site has one such plan, the newest.

    One that has succeeded meanwhile is deployed at once. Raises NotPossible for one that did not;
    AgentInTrash.
    """
    with transaction.atomic(), as_service():
        lock_agent(site.agent_id)
        # The end of a build locks its row too: it sees the plan, or this sees the end.
        current: Build = Build.objects.select_for_update().get(pk=build.pk)
        if current.status not in (*UNFINISHED, BuildStatus.SUCCEEDED):
            raise NotPossible(f"Build {current.pk} is over: {current.get_status_display().lower()}.")
        Site.objects.filter(pk=site.pk).update(planned_build=current, planned_as_draft=draft)
        announce_deployment(site)
        if current.status == BuildStatus.SUCCEEDED:
            deploy_planned(current)


def require_plannable(site: Site) -> None:
    """Raise NotPossible, listing the checks that would fail however the build ends."""
    preflight.require(
        check
        for check in preflight.checks(site.agent, connection_of(site.owner_id), site, None)
        if check.label != preflight.BUILD
    )


def drop(site: Site) -> None:
    """Forget a plan; the build goes on."""
    with transaction.atomic(), as_service():
        Site.objects.filter(pk=site.pk).update(planned_build=None)
        announce_deployment(site)


def deploy_planned(build: Build) -> None:
    """Enqueue the planned deployments of a build that just succeeded, in the transaction of that."""
    sites = Site.objects.filter(planned_build=build).select_for_update(of=("self",))
    for site in list(sites.select_related("owner", "agent")):
        Site.objects.filter(pk=site.pk).update(planned_build=None)
        try:
            services.enqueue_locked(site, build, site.owner, draft=site.planned_as_draft)
        except (NotPossible, AgentInTrash) as refusal:
            # The site was deleted meanwhile, for example; the build succeeded all the same.
            logger.info("Build %s was not deployed to site %s: %s", build.pk, site.pk, refusal)


def planned_build(site: Site) -> Build | None:
    """Return the unfinished build that will be deployed to a site when it succeeds."""
    if site.planned_build_id is None:
        return None
    unfinished: Build | None = Build.objects.filter(pk=site.planned_build_id, status__in=UNFINISHED).first()
    return unfinished
