"""What search finds among agents, keys, pages and actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import reverse

from agentforge.accounts.models import User

from .models import AgentConfig, ApiKey
from .providers import PROVIDERS
from .search import INSIDE, MOST_RECENT, MOST_RESULTS, Result, matching, rank_of, ranked

_NAMES = ("name", "handle")


@dataclass(frozen=True)
class _Place:
    """A page or an action: its label, further words that find it, its URL by name."""

    label: str
    words: str
    name: str
    icon: str
    query: str = ""
    post: tuple[tuple[str, str], ...] | None = None


_PLACES = (
    _Place("New agent", "create add make", "configs:new", "plus"),
    _Place("Import agent.yaml", "upload paste document", "configs:import", "file"),
    _Place("Agents", "list home", "configs:list", "right"),
    _Place("Archived agents", "archive", "configs:list", "file", "?shown=archived"),
    _Place("Trash", "deleted agents restore undo", "configs:trash", "trash"),
    _Place("Builds", "list compile", "builds:list", "right"),
    _Place("Deployments", "list sites online", "deployments:list", "right"),
    _Place("Keys", "api provider secrets", "configs:key_list", "key"),
    _Place("Activity", "log audit history", "accounts:activity", "clock"),
    _Place("Account", "settings profile theme password e-mail", "accounts:account", "person"),
    _Place("Sessions", "signed in devices", "accounts:sessions", "person"),
    _Place("API tokens", "scripts access", "accounts:api_tokens", "key"),
    _Place("Light theme", "appearance colour", "accounts:theme", "eye", post=(("theme", "light"),)),
    _Place("Dark theme", "appearance colour", "accounts:theme", "eye", post=(("theme", "dark"),)),
    _Place("Theme of the system", "appearance automatic", "accounts:theme", "eye", post=(("theme", "auto"),)),
    _Place("Sign out", "log out leave", "accounts:sign_out", "out", post=()),
)
# What is offered while nothing is typed.
_FIRST_PLACES = 2


def agents(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield agents by name and handle, then by description; those that changed last first."""
    rows = matching(AgentConfig.objects.owned_by(owner), words, (*_NAMES, "description"))
    if words:
        rows = ranked(rows, words, _NAMES).order_by("rank", "-updated_at", "-pk")[:MOST_RESULTS]
    else:
        rows = rows.filter(archived_at=None)[:MOST_RECENT]
    for agent in rows:
        note = f"{agent.handle}, archived" if agent.archived_at else agent.handle
        rank = getattr(agent, "rank", INSIDE)
        yield Result(agent.name, agent.get_absolute_url(), note, "anvil", rank, agent.updated_at)


def keys(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield keys by their names and providers; nothing of the keys themselves."""
    if not words:
        return
    address = reverse("configs:key_list")
    found = []
    for pk, name, code in ApiKey.objects.owned_by(owner).values_list("pk", "name", "provider"):
        provider = PROVIDERS[code].label if code in PROVIDERS else code
        rank = rank_of(f"{name} {provider} key", words)
        if rank is not None:
            found.append(Result(name, f"{address}#key-{pk}", provider, "key", rank))
    yield from sorted(found, key=lambda result: (result.rank, result.label.lower()))[:MOST_RESULTS]


def places(owner: User, words: Sequence[str]) -> Iterator[Result]:
    """Yield pages and actions by the beginnings of their words."""
    found = [
        (rank, place)
        for place in (_PLACES if words else _PLACES[:_FIRST_PLACES])
        if (rank := rank_of(f"{place.label} {place.words}", words)) is not None
    ]
    for rank, place in sorted(found, key=lambda each: each[0])[:MOST_RESULTS]:
        yield Result(place.label, reverse(place.name) + place.query, "", place.icon, rank, post=place.post)
