"""Tell every page which builds of the signed-in person are under way, for the header."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from agentforge.accounts.models import User
from agentforge.live.models import Stream

from .models import Build
from .reports import UNFINISHED

# A connection carries up to 20 channels, and the page itself needs some.
MOST_FOLLOWED = 12


def running_work(request: HttpRequest) -> dict[str, Any]:
    """Give templates `running_work`: `count`, `words` and `live` (channels), read when first used."""
    return {"running_work": SimpleLazyObject(lambda: _running(request))}


def _running(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    # An error page is rendered in a transaction that is already given up.
    if connection.needs_rollback or not isinstance(user, User):
        return {"count": 0}
    builds = Build.objects.owned_by(user).filter(status__in=UNFINISHED)
    names = [f"build-{pk}" for pk in builds.values_list("pk", flat=True)]
    followed = Stream.objects.filter(pk__in=names[:MOST_FOLLOWED], closed_at=None)
    return {
        "count": len(names),
        "words": f"{len(names)} build{'' if len(names) == 1 else 's'} under way",
        "live": " ".join(f"{name}:{last_seq}" for name, last_seq in followed.values_list("pk", "last_seq")),
    }
