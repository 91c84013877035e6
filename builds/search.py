"""What search finds among builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import CharField, Q
from django.db.models.functions import Cast

from agentforge.accounts.models import User
from configs.search import MOST_RECENT, MOST_RESULTS, Result, newest, with_status, without_kind

from .models import Build


def builds(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield builds by number, agent and status, the newest first."""
    wanted = [word.lstrip("#") for word in without_kind(words, "builds")]
    rows = Build.objects.owned_by(owner).annotate(number=Cast("pk", CharField()))
    for word in wanted:
        agent = Q(revision__agent__name__icontains=word) | Q(revision__agent__handle__icontains=word)
        rows = rows.filter(agent | Q(number__startswith=word) | with_status(word))
    most = MOST_RESULTS if words else MOST_RECENT
    for build, rank in newest(rows.select_related("revision__agent"), wanted, most):
        note = f"{build.revision.agent.name}, {build.get_status_display().lower()}"
        yield Result(f"Build {build.pk}", build.get_absolute_url(), note, "tool", rank, build.created_at)
