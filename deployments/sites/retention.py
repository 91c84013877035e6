"""Keep the files of builds that are deployed, or are about to be."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from deployments.models import UNFINISHED, Deployment, DeploymentStatus


def builds_in_use(pks: Iterable[int]) -> list[int]:
    """Return those of these builds that a site shows or can be put back to, or that are on their way to one.

    They are let go with the deployment, or with its site.
    """
    shown = Q(status=DeploymentStatus.SUCCEEDED, site__deleted_at=None)
    needed = Deployment.objects.filter(Q(status__in=UNFINISHED) | shown, build__in=list(pks))
    return list(needed.order_by().values_list("build_id", flat=True).distinct())
