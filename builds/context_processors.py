"""What the header of every page shows: the signed-in person's unfinished builds, and whether Go is ready."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from agentforge.accounts.models import User
from agentforge.formats import counted
from agentforge.live.models import Stream
from configs.announcements import account_stream

from .models import Build
from .readiness import readiness
from .reports import UNFINISHED

# A connection carries some channels only (`MAX_CHANNELS`); the page itself needs most of them.
MOST_FOLLOWED = 12


def running_work(request: HttpRequest) -> dict[str, Any]:
    """Provide `running_work` lazily: `count`, `words`, `title`, `icon`; the channels `live` and `account`."""
    return {"running_work": SimpleLazyObject(lambda: _running(request))}


def go_readiness(request: HttpRequest) -> dict[str, Any]:
    """Provide `go_readiness` lazily; false once Go is ready."""
    return {"go_readiness": SimpleLazyObject(readiness)}


def _running(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    # An error page may be rendered in a transaction that is marked for rollback.
    if connection.needs_rollback or not isinstance(user, User):
        return {"count": 0, "icon": "idle"}
    builds = Build.objects.owned_by(user).filter(status__in=UNFINISHED)
    names = [f"build-{pk}" for pk in builds.values_list("pk", flat=True)]
    account = account_stream(user.pk)
    followed = Stream.objects.filter(pk__in=[account, *names[:MOST_FOLLOWED]], closed_at=None)
    positions = {name: f"{name}:{last_seq}" for name, last_seq in followed.values_list("pk", "last_seq")}
    words = f"{counted(len(names), 'build')} under way"
    return {
        "count": len(names),
        "words": words,
        "title": f"{words} \N{EN DASH} " if names else "",
        "icon": "running" if names else "idle",
        "account": positions.pop(account, ""),
        "live": " ".join(positions.values()),
    }
