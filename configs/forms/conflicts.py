from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from agentforge.json_forms import JsonForm

YOURS, SAVED = "yours", "saved"


class SidesForm(JsonForm):
    """Both sides of a conflict, sent back by the page that showed them."""

    yours = forms.JSONField(widget=forms.HiddenInput)
    base = forms.JSONField(widget=forms.HiddenInput, help_text="What was saved when the sides were shown.")

    def sides(self, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return both sides with exactly these fields; None if any is missing."""
        if not self.is_valid():
            return None
        yours, saved = self.cleaned_data["yours"], self.cleaned_data["base"]
        if not isinstance(yours, dict) or not isinstance(saved, dict):
            return None
        fields = list(names)
        if not all(name in side for side in (yours, saved) for name in fields):
            return None
        return {name: yours[name] for name in fields}, {name: saved[name] for name in fields}


class ChoiceForm(JsonForm):
    """A side for each field that differs; `guesses` are the preselected ones."""

    def __init__(self, data: Any = None, *, guesses: Mapping[str, str | None]) -> None:
        super().__init__(data)
        for name, guess in guesses.items():
            self.fields[f"choose_{name}"] = forms.ChoiceField(
                choices=[(YOURS, "Yours"), (SAVED, "Saved")],
                initial=guess,
                error_messages={"required": "Choose one of the two."},
            )

    def chosen(self, name: str) -> str:
        """Return the side chosen or preselected for a field; "" for none."""
        field = self[f"choose_{name}"]
        return str((field.data if self.is_bound else field.initial) or "")
