"""Detect concurrent saves of a tab, so that neither overwrites the other unnoticed.

A form carries the values that its page showed, a script their hash (the edition). If the saved values no
longer match, the tab was saved in between, in whatever way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Basis:
    """What a save is based on: the values that a page showed, or the edition that a script read.

    With neither, the sender makes no claim about what is saved, and nothing conflicts.
    """

    values: Values | None = None
    edition: str = ""

    def matches(self, saved: Values) -> bool:
        if self.values is not None:
            return edition_of({name: self.values.get(name) for name in saved}) == edition_of(saved)
        return self.edition in ("", edition_of(saved))


class Conflict(Exception):
    """The tab was saved by somebody else in the meantime; `fields` are the names of those that differ."""

    def __init__(self, yours: Values, saved: Values) -> None:
        super().__init__("This was saved elsewhere since you opened it. Nothing was overwritten.")
        self.yours = yours
        self.saved = saved
        self.fields = [name for name in saved if comparable(yours[name]) != comparable(saved[name])]


def edition_of(values: Values) -> str:
    """Return the hash of a tab's values: 16 hex digits."""
    canonical = json.dumps({name: comparable(value) for name, value in values.items()}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def check_conflict(basis: Basis, *, yours: Values, saved: Values) -> None:
    """Raise Conflict if the saved values differ both from the basis of a save and from its own values."""
    conflict = Conflict(yours, saved)
    if conflict.fields and not basis.matches(saved):
        raise conflict


def comparable(value: Any) -> Any:
    """Return a value in a form in which equal values are equal: lists in any order, numbers of any type."""
    if isinstance(value, list):
        return sorted(map(str, value))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
