"""How long a build usually takes: by the agent's own history, its owner's, or everybody's on this forge."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from agentforge.prepared_queries import Parameter, PreparedQuery
from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig

from .compiler.targets import registry
from .models import Build, BuildStatus, BuildTarget

# The newest compiled targets are looked at.
_OWN, _ALL = 50, 400
# Medians change slowly; what was never compiled here may be compiled at any moment.
_EVERYBODYS, _SECONDS, _SECONDS_INCOMPLETE = "builds:usual-durations", 60, 5


_FIELDS = ("target", "started_at", "finished_at")


def usual_durations(agent_id: int, read: Sequence[Any] | None = None) -> dict[str, timedelta]:
    """Return how long each target usually takes to compile, by name; without those never compiled here.

    `read` are the rows of `compiled_by_owner`, where they were asked for already.
    """
    rows = compiled_by_owner(agent=agent_id) if read is None else read
    own = [row[1:] for row in rows if row[0] == agent_id]
    return {**_everybodys(), **_medians(row[1:] for row in rows), **_medians(own[:_OWN])}


def _compiled() -> QuerySet[BuildTarget]:
    return BuildTarget.objects.filter(
        status=BuildStatus.SUCCEEDED, from_cache=False, started_at__isnull=False, finished_at__isnull=False
    ).order_by("-pk")


def _by_owner() -> QuerySet[BuildTarget, Any]:
    # A page is told when something of its owner's was built, and must then show it.
    owner = AgentConfig.objects.filter(pk=Parameter("agent")).values("owner_id")
    compiled = _compiled().filter(owner_id__in=owner)
    return compiled.values_list("build__revision__agent_id", *_FIELDS)[:_ALL]


# What the owner of the agent `agent` had compiled last.
compiled_by_owner: PreparedQuery[Any] = PreparedQuery(_by_owner)


def _everybodys() -> dict[str, timedelta]:
    found: dict[str, timedelta] | None = cache.get(_EVERYBODYS)
    if found is None:
        # Only medians leave this block, nothing of a single build of somebody else.
        with as_service():
            found = _medians(_compiled().values_list(*_FIELDS)[:_ALL])
        cache.set(_EVERYBODYS, found, _SECONDS if found.keys() >= registry().keys() else _SECONDS_INCOMPLETE)
    return found


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
