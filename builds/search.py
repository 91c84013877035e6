"""What search finds among builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import CharField, Q
from django.db.models.functions import Cast

from agentforge.accounts.models import User
from configs.search import INSIDE, MOST_RECENT, MOST_RESULTS, PREFIX, SHORTEST_STATUS, Result, without_kind

from .models import Build


def builds(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield builds by number, agent and status, the newest first."""
    wanted = [word.lstrip("#") for word in without_kind(words, "builds")]
    rows = Build.objects.owned_by(owner).annotate(number=Cast("pk", CharField()))
    for word in wanted:
        status = Q(status__startswith=word) if len(word) >= SHORTEST_STATUS else Q()
        agent = Q(revision__agent__name__icontains=word) | Q(revision__agent__handle__icontains=word)
        rows = rows.filter(agent | Q(number__startswith=word) | status)
    most = MOST_RESULTS if words else MOST_RECENT
    newest = list(rows.select_related("revision__agent").order_by("-pk")[:most])
    # The very number comes first, however many newer ones begin with it.
    exact = rows.select_related("revision__agent").filter(number__in=wanted) if wanted else rows.none()
    first = list(exact[:1])
    for build in [*first, *(each for each in newest if each not in first)][:most]:
        note = f"{build.revision.agent.name}, {build.get_status_display().lower()}"
        rank = PREFIX if build in first else INSIDE
        yield Result(f"Build {build.pk}", build.get_absolute_url(), note, "tool", rank, build.created_at)
