"""How long a build usually takes: by the agent's own history, its owner's, or everybody's on this forge."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median

from django.core.cache import cache
from django.db.models import QuerySet

from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig

from .compiler.targets import registry
from .models import Build, BuildStatus, BuildTarget

# The newest compiled targets are looked at.
_OWN, _ALL = 50, 400
# Medians change slowly; what was never compiled here may be compiled at any moment.
_EVERYBODYS, _SECONDS, _SECONDS_INCOMPLETE = "builds:usual-durations", 60, 5


def usual_durations(agent_id: int) -> dict[str, timedelta]:
    """Return how long each target usually takes to compile, by name; without those never compiled here."""
    compiled = BuildTarget.objects.filter(
        status=BuildStatus.SUCCEEDED, from_cache=False, started_at__isnull=False, finished_at__isnull=False
    ).order_by("-pk")
    # A page is told when something of its owner's was built, and must then show it.
    owner = AgentConfig.objects.filter(pk=agent_id).values("owner_id")
    rows = list(compiled.filter(owner_id__in=owner).values_list("build__revision__agent_id", *_FIELDS)[:_ALL])
    own = [row[1:] for row in rows if row[0] == agent_id]
    return {**_everybodys(compiled), **_medians(row[1:] for row in rows), **_medians(own[:_OWN])}


def _everybodys(compiled: QuerySet[BuildTarget]) -> dict[str, timedelta]:
    found: dict[str, timedelta] | None = cache.get(_EVERYBODYS)
    if found is None:
        # Only medians leave this block, nothing of a single build of somebody else.
        with as_service():
            found = _medians(compiled.values_list(*_FIELDS)[:_ALL])
        cache.set(_EVERYBODYS, found, _SECONDS if found.keys() >= registry().keys() else _SECONDS_INCOMPLETE)
    return found


_FIELDS = ("target", "started_at", "finished_at")


def _medians(rows: Iterable[tuple[str, datetime, datetime]]) -> dict[str, timedelta]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for target, started, finished in rows:
        seconds[target].append((finished - started).total_seconds())
    return {target: timedelta(seconds=median(values)) for target, values in seconds.items()}


def usual_duration(build: Build, usual: dict[str, timedelta]) -> timedelta | None:
    """Return how long a build usually takes; None while one of its targets was never compiled here."""
    if any(target not in usual for target in build.targets):
        return None
    each = [usual[target] for target in build.targets]
    # As many are compiled at once as the machine has cores.
    return max(*each, sum(each, timedelta(0)) / (os.cpu_count() or 1), timedelta(0))
