"""What search finds among deployments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import CharField, Q
from django.db.models.functions import Cast

from agentforge.accounts.models import User
from configs.search import INSIDE, MOST_RECENT, MOST_RESULTS, PREFIX, SHORTEST_STATUS, Result, without_kind

from .models import Deployment


def deployments(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield deployments by number, agent, site and status, the newest first."""
    wanted = [word.lstrip("#") for word in without_kind(words, "deployments")]
    rows = Deployment.objects.owned_by(owner).annotate(number=Cast("pk", CharField()))
    for word in wanted:
        status = Q(status__startswith=word) if len(word) >= SHORTEST_STATUS else Q()
        agent = Q(site__agent__name__icontains=word) | Q(site__agent__handle__icontains=word)
        text = Q(site__name__icontains=word) | Q(number__startswith=word) | status
        rows = rows.filter(agent | text)
    most = MOST_RESULTS if words else MOST_RECENT
    newest = list(rows.select_related("site__agent").order_by("-pk")[:most])
    exact = rows.select_related("site__agent").filter(number__in=wanted) if wanted else rows.none()
    first = list(exact[:1])
    for each in [*first, *(row for row in newest if row not in first)][:most]:
        note = f"{each.site.agent.name} to {each.site.name}, {each.get_status_display().lower()}"
        rank = PREFIX if each in first else INSIDE
        yield Result(f"Deployment {each.pk}", each.get_absolute_url(), note, "globe", rank, each.created_at)
