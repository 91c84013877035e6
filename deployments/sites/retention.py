"""Retention of the builds that deployments use."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from deployments.models import UNFINISHED, Deployment, DeploymentStatus


def builds_in_use(pks: Iterable[int]) -> list[int]:
    """Return the builds that a site shows or can be rolled back to, or that are being deployed.

    A build is released with its deployment, or with the site.
    """
    available = Q(status=DeploymentStatus.SUCCEEDED, site__deleted_at=None)
    deployments = Deployment.objects.filter(Q(status__in=UNFINISHED) | available, build__in=list(pks))
    return list(deployments.order_by().values_list("build_id", flat=True).distinct())
