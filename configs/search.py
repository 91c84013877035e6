"""Find what a person has, and where things are done: apps register what can be found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from agentforge.accounts.models import User

MOST_WORDS = 8
# Of each kind; whoever looks for more types more.
MOST_RESULTS = 8
# Of each kind, while nothing is typed.
MOST_RECENT = 4
# Fewer letters of a status would find nearly everything.
SHORTEST_STATUS = 3
PREFIX, WORD, INSIDE, ELSEWHERE = range(4)


@dataclass(frozen=True)
class Result:
    """Something that was found; `rank` says how well it fits (PREFIX, WORD, INSIDE, ELSEWHERE).

    With `post`, choosing it posts these fields to `url`: it is something that is done.
    """

    label: str
    url: str
    note: str = ""
    icon: str = "right"
    rank: int = INSIDE
    at: datetime | None = None
    post: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True)
class ResultGroup:
    """The results of one kind, the best first."""

    label: str
    results: Sequence[Result]


# Takes the owner and the words, in lower case; none for what is recent. Returns at most MOST_RESULTS.
Source = Callable[[User, Sequence[str]], Iterable[Result]]

_sources: list[tuple[int, str, Source]] = []


def register(label: str, source: Source, *, place: int) -> None:
    """Let `search` find what an app has; of kinds that fit equally, lower places come first."""
    _sources.append((place, label, source))
    _sources.sort(key=lambda registered: registered[0])


def search(owner: User, text: str) -> list[ResultGroup]:
    """Return what a text finds among an owner's things, the kind with the best result first.

    Every word has to be found. Without words: what was changed last.
    """
    words = text.lower().split()[:MOST_WORDS]
    found = [ResultGroup(label, list(source(owner, words))) for _, label, source in _sources]
    groups = [group for group in found if group.results]
    return sorted(groups, key=lambda group: min(result.rank for result in group.results)) if words else groups


def matching(rows: QuerySet[Any], words: Sequence[str], fields: Sequence[str]) -> QuerySet[Any]:
    """Return the rows in which each word is found in one of the text fields."""
    for word in words:
        condition = Q()
        for name in fields:
            condition |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(condition)
    return rows


def ranked(rows: QuerySet[Any], words: Sequence[str], fields: Sequence[str]) -> QuerySet[Any]:
    """Annotate rows with `rank`: whether the words begin a field, or a word in it, or are inside one."""
    text = " ".join(words)
    begins, within, inside = Q(), Q(), Q()
    for name in fields:
        begins |= Q(**{f"{name}__istartswith": text})
        inside |= Q(**{f"{name}__icontains": text})
        for separator in " -_":
            within |= Q(**{f"{name}__icontains": separator + text})
    rank = Case(
        When(begins, then=Value(PREFIX)),
        When(within, then=Value(WORD)),
        When(inside, then=Value(INSIDE)),
        default=Value(ELSEWHERE),
        output_field=IntegerField(),
    )
    annotated: QuerySet[Any] = rows.annotate(rank=rank)
    return annotated


def newest(rows: QuerySet[Any], wanted: Sequence[str], most: int) -> list[tuple[Any, int]]:
    """Return rows that were found, annotated with `number`, each with its rank, the newest first.

    The one of the very number comes before them, however many newer ones begin with it.
    """
    exact = list(rows.filter(number__in=wanted)[:1]) if wanted else []
    others = [row for row in rows.order_by("-pk")[:most] if row not in exact]
    return [(row, PREFIX) for row in exact] + [(row, INSIDE) for row in others[: most - len(exact)]]


def with_status(word: str) -> Q:
    """Return the condition that a status begins with a word; none for a word of too few letters."""
    return Q(status__startswith=word) if len(word) >= SHORTEST_STATUS else Q()


def without_kind(words: Sequence[str], kind: str) -> list[str]:
    """Return the words without the one that names the kind itself, such as "build" in "build 12"."""
    return [word for word in words if not (len(word) >= 3 and kind.startswith(word))]


def rank_of(text: str, words: Sequence[str]) -> int | None:
    """Return how well words fit a text that is no row; None unless each of them begins a word of it."""
    parts = text.lower().split()
    if not all(any(part.startswith(word) for part in parts) for word in words):
        return None
    return PREFIX if text.lower().startswith(" ".join(words)) else WORD
