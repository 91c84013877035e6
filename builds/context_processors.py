"""What the header of every page shows: the signed-in person's unfinished builds, and whether Go is ready."""

from __future__ import annotations

from typing import Any, cast

from django.db import connection
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from agentforge.accounts.models import User
from agentforge.formats import counted
from agentforge.live.models import Stream
from agentforge.page_questions import header_rows
from agentforge.prepared_queries import Parameter, PreparedQuery, Question
from configs.announcements import account_stream

from .models import Build
from .readiness import readiness
from .reports import UNFINISHED

# A connection carries some channels only (`MAX_CHANNELS`); the page itself needs most of them.
MOST_FOLLOWED = 12
RUNNING_WORK = "running_work"
# Stands for the account among the primary keys of builds.
_ACCOUNT = 0


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
    account = account_stream(user.pk)
    rows = header_rows(request, RUNNING_WORK)
    positions = dict(_positions(owner=user.pk, account=account) if rows is None else rows)
    own = positions.pop(_ACCOUNT, None)
    followed = sorted(positions, reverse=True)[:MOST_FOLLOWED]
    words = f"{counted(len(positions), 'build')} under way"
    return {
        "count": len(positions),
        "words": words,
        "title": f"{words} \N{EN DASH} " if positions else "",
        "icon": "running" if positions else "idle",
        "account": "" if own is None else f"{account}:{own}",
        "live": " ".join(f"build-{pk}:{positions[pk]}" for pk in followed if positions[pk] is not None),
    }


def _queries() -> QuerySet[Any, tuple[int, int | None]]:
    """Return a person's unfinished builds and their account, each with the position of its open channel."""
    channel = Concat(Value("build-"), Cast(OuterRef("pk"), CharField()))
    position = Subquery(Stream.objects.filter(pk=channel, closed_at=None).values("last_seq"))
    builds = Build.objects.owned_by(Parameter("owner")).filter(status__in=UNFINISHED).order_by()
    account = Stream.objects.filter(pk=Parameter("account"), closed_at=None)
    return builds.values_list("pk", position).union(
        account.values_list(Value(_ACCOUNT), "last_seq"), all=True
    )


_positions = PreparedQuery(_queries)


def question(request: HttpRequest) -> Question[Any]:
    """Return the question for a signed-in person's unfinished builds."""
    user = cast(User, request.user)
    return _positions.question(owner=user.pk, account=account_stream(user.pk))
