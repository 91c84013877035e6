"""Find where a save of a tab meets another one, so that neither overwrites the other unseen.

What a tab shows is its edition: a form carries the values that it began with, a script the hash of them.
Whoever saved in between, and by whatever way, has changed them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from .forms.base import DraftForm, draft_values
from .models import AgentConfig

Values = Mapping[str, Any]
BOTH, YOU, ELSEWHERE = "both", "you", "elsewhere"


@dataclass(frozen=True)
class Difference:
    """Hold both sides of one field, as values and in words, and who changed it ("": not known)."""

    name: str
    label: str
    yours: Any
    saved: Any
    yours_words: str
    saved_words: str
    changed: str = ""


class Conflict(Exception):
    """Say that a tab was saved by somebody else since this save of it began."""

    def __init__(self, differences: list[Difference], saved: Values) -> None:
        super().__init__("This was saved elsewhere since you opened it. Nothing was overwritten.")
        self.differences = differences
        self.saved = saved


def edition_of(values: Values) -> str:
    """Return what names these values of a tab: 16 hex digits."""
    canonical = json.dumps({name: _comparable(value) for name, value in values.items()}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def refuse_conflict(form: DraftForm, present: AgentConfig) -> None:
    """Raise Conflict when the draft's values for a valid form are no longer those that it began with."""
    saved = draft_values(type(form), present)
    if _began_with(form, saved):
        return
    if found := differences(form, form.values(), saved):
        raise Conflict(found, saved)


def differences(form: DraftForm, yours: Values, saved: Values) -> list[Difference]:
    """Return the fields in which two sides differ, in the form's order."""
    return [
        Difference(
            name=name,
            label=str(form[name].label),
            yours=yours[name],
            saved=saved[name],
            yours_words=_words(form.fields[name], yours[name]),
            saved_words=_words(form.fields[name], saved[name]),
            changed=_changed(form.began, name, yours[name], saved[name]),
        )
        for name in saved
        if _comparable(yours[name]) != _comparable(saved[name])
    ]


def _began_with(form: DraftForm, saved: Values) -> bool:
    if form.began is not None:
        return edition_of({name: form.began.get(name) for name in saved}) == edition_of(saved)
    return form.edition in ("", edition_of(saved))


def _changed(began: Values | None, name: str, yours: Any, saved: Any) -> str:
    if began is None or name not in began:
        return ""
    if _comparable(began[name]) == _comparable(saved):
        return YOU
    return ELSEWHERE if _comparable(began[name]) == _comparable(yours) else BOTH


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(str, value))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(value, bool):
        return "On" if value else "Off"
    offered: Any = getattr(field, "choices", None) or getattr(field.widget, "choices", None) or ()
    labels = {str(code): str(label) for code, label in offered}
    parts = value if isinstance(value, list) else [value]
    said = ", ".join(labels.get(str(part), str(part)) for part in parts if part not in ("", None))
    return said or "Empty"
