"""What search finds among deployments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import CharField, Q
from django.db.models.functions import Cast

from agentforge.accounts.models import User
from configs.search import MOST_RECENT, MOST_RESULTS, Result, newest, with_status, without_kind

from .models import Deployment


def deployments(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield deployments by number, agent, site and status, the newest first."""
    wanted = [word.lstrip("#") for word in without_kind(words, "deployments")]
    rows = Deployment.objects.owned_by(owner).annotate(number=Cast("pk", CharField()))
    for word in wanted:
        agent = Q(site__agent__name__icontains=word) | Q(site__agent__handle__icontains=word)
        text = Q(site__name__icontains=word) | Q(number__startswith=word) | with_status(word)
        rows = rows.filter(agent | text)
    most = MOST_RESULTS if words else MOST_RECENT
    for each, rank in newest(rows.select_related("site__agent"), wanted, most):
        note = f"{each.site.agent.name} to {each.site.name}, {each.get_status_display().lower()}"
        yield Result(f"Deployment {each.pk}", each.get_absolute_url(), note, "globe", rank, each.created_at)
