from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from agentforge.live.models import Stream
from agentforge.tenancy.rls import as_service

from .models import Build
from .reports import UNFINISHED


def running_work(request: HttpRequest) -> dict[str, Any]:
    """Give every page's header the person's unfinished builds; a page without a header asks nothing."""
    return {"running_work": SimpleLazyObject(lambda: _running(request))}


def _running(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    # An error page is rendered in a transaction that is already given up.
    if user is None or connection.needs_rollback or not user.is_authenticated:
        return {"count": 0}
    builds = Build.objects.owned_by(user).filter(status__in=UNFINISHED).values_list("pk", flat=True)
    names = [f"build-{pk}" for pk in builds]
    if not names:
        return {"count": 0}
    with as_service():
        positions = Stream.objects.filter(pk__in=names).values_list("name", "last_seq")
        live = " ".join(f"{name}:{last_seq}" for name, last_seq in positions)
    return {"count": len(names), "live": live, "words": f"{len(names)} build{'s' * (len(names) > 1)} running"}
